// Values as text, and which of them are the same.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "pipeline/values/toml_text.hpp"
#include "pipeline/values/value.hpp"

namespace meander {
namespace {

Table table(std::initializer_list<std::pair<const char*, Value>> entries) {
  Table result;
  for (const auto& [key, value] : entries) result.set(key, value);
  return result;
}

Value read_back(const Value& value) {
  Diagnostics diagnostics;
  const auto root = parse_toml("x = " + value.toml(), "text", diagnostics);
  EXPECT_TRUE(root) << diagnostics.text() << " in " << value.toml();
  return root ? root->table.front().node.value() : Value();
}

TEST(Value, IsWrittenInItsShortestForm) {
  EXPECT_EQ(Value(3).toml(), "3");
  EXPECT_EQ(Value(2.0).toml(), "2.0");
  EXPECT_EQ(Value(0.1).toml(), "0.1");
  EXPECT_EQ(Value(-1e-7).toml(), "-1e-07");
  EXPECT_EQ(Value(1e300).toml(), "1e+300");
  EXPECT_EQ(Value(100000.0).toml(), "100000.0");
  EXPECT_EQ(Value(true).toml(), "true");
  EXPECT_EQ(Value("a\"b\\c\n\x01").toml(), "\"a\\\"b\\\\c\\n\\u0001\"");
  EXPECT_EQ(Value(List{1, 2.5, "x"}).toml(), "[1, 2.5, \"x\"]");
  EXPECT_EQ(Value(List{}).toml(), "[]");
  EXPECT_EQ(Value(Table{}).toml(), "{}");
  EXPECT_EQ(Value(table({{"law", "student_t"}, {"the dof", 4}})).toml(), "{ law = \"student_t\", \"the dof\" = 4 }");
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()).toml(), "inf");
}

TEST(Value, AsACoordinateIsBareOnlyWhereItIsAText) {
  EXPECT_EQ(Value("relu").text(), "relu");
  EXPECT_EQ(Value(table({{"law", "x"}})).text(), "{ law = \"x\" }");
}

TEST(Value, ReadsBackWithItsType) {
  for (const Value& value :
       {Value(3), Value(3.0), Value(0.1), Value(1e-320), Value("ü\t\x7f"), Value(false), Value(List{List{1}, List{}}),
        Value(table({{"b", 1}, {"a", List{0.5}}})), Value(std::numeric_limits<std::int64_t>::min())}) {
    const Value again = read_back(value);
    EXPECT_EQ(again, value);
    EXPECT_EQ(again.toml(), value.toml());
  }
  std::mt19937_64 random(7);
  for (int i = 0; i < 300; ++i) {
    const double x = std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 600) - 330);
    EXPECT_EQ(*read_back(Value(x)).get_if<double>(), x);
  }
}

TEST(Value, IsTheSameWhateverItsSpelling) {
  EXPECT_EQ(Value(2), Value(2.0));
  EXPECT_EQ(Value(0.0), Value(-0.0));
  EXPECT_EQ(Value(table({{"a", 1}, {"b", 2}})), Value(table({{"b", 2.0}, {"a", 1}})));
  EXPECT_NE(Value(table({{"a", 1}})), Value(table({{"a", 1}, {"b", 2}})));
  EXPECT_NE(Value(1), Value(true));
  EXPECT_NE(Value("1"), Value(1));
  EXPECT_NE(Value(List{1, 2}), Value(List{2, 1}));
  // 2^53 + 1 has no double.
  EXPECT_NE(Value(std::int64_t{9007199254740993}), Value(9007199254740992.0));
}

TEST(Value, HasOneCanonicalTextForEqualValues) {
  EXPECT_EQ(Value(table({{"a", 1}, {"b", List{2}}})).canonical(),
            Value(table({{"b", List{2.0}}, {"a", 1.0}})).canonical());
  EXPECT_EQ(Value(-0.0).canonical(), Value(0).canonical());
  EXPECT_NE(Value("2.0").canonical(), Value(2).canonical());
  EXPECT_NE(Value(std::int64_t{9007199254740993}).canonical(), Value(9007199254740992.0).canonical());
}

TEST(Value, ThatIsNoNumberIsNotOne) {
  EXPECT_FALSE(Value(true).is_number());
  EXPECT_THROW(Value("1").number(), std::logic_error);
  EXPECT_EQ(Value(2).number(), 2.0);
}

TEST(Table, KeepsItsOrderAndReplaces) {
  Table t = table({{"z", 1}, {"a", 2}});
  t.set("z", 3);
  ASSERT_EQ(t.entries().size(), 2u);
  EXPECT_EQ(t.entries()[0].key, "z");
  EXPECT_EQ(*t.find("z"), Value(3));
  EXPECT_EQ(t.find("y"), nullptr);
}

TEST(Toml, KeepsTheOrderAndThePlaceOfKeys) {
  Diagnostics diagnostics;
  const auto root = parse_toml("z = 1\na = { d = 1, c = 2 }\n[s]\nk = [\n  5,\n 6]\n", "f", diagnostics);
  ASSERT_TRUE(root);
  ASSERT_EQ(root->table.size(), 3u);
  EXPECT_EQ(root->table[0].key, "z");
  EXPECT_EQ(root->table[1].node.table[0].key, "d");
  const TomlEntry& k = root->table[2].node.table[0];
  EXPECT_EQ(k.place.line, 4);
  EXPECT_EQ(k.node.list[1].place.line, 6);
  EXPECT_EQ(k.node.list[1].place.column, 2);
}

TEST(Value, ATablesNameIsWhatItIsCalledAndNotWhatItIs) {
  Table plain;
  plain.set("dof", 3);
  Table called = plain;
  called.set("name", "heavy");
  EXPECT_EQ(Value(plain).label(), "{ dof = 3 }");
  EXPECT_EQ(Value(called).label(), "heavy");
  EXPECT_EQ(Value(called).text(), "{ dof = 3, name = \"heavy\" }");
  EXPECT_EQ(Value(called).canonical(), Value(plain).canonical());
  EXPECT_FALSE(Value(called) == Value(plain));
  EXPECT_EQ(Value("relu").label(), "relu");
  EXPECT_EQ(Value(2.0).label(), "2.0");
}

}  // namespace
}  // namespace meander
