// Activations and weight laws as study files write them.
#include "studies/networks/activation_value.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

namespace meander {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

Value table(std::initializer_list<std::pair<const char*, Value>> entries) {
  Table out;
  for (const auto& [key, value] : entries) out.set(key, value);
  return out;
}

TEST(ActivationValue, EveryNameIsAccepted) {
  for (const auto name : Activation::names()) {
    const Activation activation = activation_from(Value(std::string(name)));
    EXPECT_EQ(activation(0.7), Activation::named(name)(0.7)) << name;
  }
}

TEST(ActivationValue, Tables) {
  const Activation clipped =
      activation_from(table({{"breakpoints", List{-1, 1}}, {"slopes", List{0, 2.0, 0}}, {"value", List{0, 0.5}}}));
  ASSERT_NE(clipped.pieces(), nullptr);
  EXPECT_THAT(clipped.pieces()->breakpoints, ElementsAre(-1, 1));
  EXPECT_EQ(clipped(3), 2.5);
  const Activation series = activation_from(table({{"hermite", List{0, 1, 0.5}}}));
  EXPECT_NEAR(series(2), 2 + 0.5 * (4 - 1) / std::sqrt(2), 1e-14);
  EXPECT_EQ(activation_from(table({{"expression", "x * erf(x)"}}))(1.5), 1.5 * std::erf(1.5));
}

TEST(ActivationValue, NamesWithAParameter) {
  const Value leaky = table({{"activation", "leaky_relu"}, {"slope", 0.2}});
  EXPECT_EQ(activation_from(leaky)(-3), -3 * 0.2);
  ASSERT_NE(activation_from(leaky).pieces(), nullptr);
  EXPECT_EQ(activation_from(table({{"activation", "leaky_relu"}}))(-3), -3 * 0.01);
  EXPECT_DOUBLE_EQ(activation_from(table({{"activation", "elu"}, {"alpha", 0.5}}))(-2), 0.5 * std::expm1(-2.0));
  EXPECT_EQ(activation_from(table({{"activation", "silu"}}))(0.3), Activation::named("swish")(0.3));
  EXPECT_THAT(check_activation(table({{"activation", "elu"}, {"slope", 0.5}})),
              Optional(AllOf(HasSubstr("unknown key 'slope'"), HasSubstr("alpha"))));
  EXPECT_THAT(check_activation(table({{"activation", "tanh"}, {"slope", 0.5}})),
              Optional(AllOf(HasSubstr("unknown key 'slope'"), HasSubstr("no parameter"))));
  EXPECT_THAT(check_activation(table({{"activation", "elu"}, {"alpha", "much"}})),
              Optional(HasSubstr("finite numbers")));
  EXPECT_THAT(check_activation(table({{"activation", "eluu"}})), Optional(HasSubstr("did you mean \"elu\"?")));
  EXPECT_THAT(check_activation(table({{"activation", 1}})), Optional(HasSubstr("'activation' is no string")));
}

TEST(ActivationValue, TextsReadBackAsTheSameFunction) {
  std::vector<Activation> all{Activation::leaky_relu(0.3), Activation::elu(1.0 / 3.0),
                              Activation::piecewise_linear({-1e-7, 2.0}, {0.1, -3.0, 1e20}, 0.25, 1.0 / 7.0),
                              Activation::hermite({0.0, 1.0, -1.0 / 3.0})};
  for (const auto name : Activation::names()) all.push_back(Activation::named(name));
  for (const Activation& activation : all) {
    const Activation again = activation_from(activation_value(activation.text()));
    for (const double x : {-2.3, -0.1, 0.0, 0.4, 7.0}) EXPECT_EQ(again(x), activation(x)) << activation.text();
  }
}

TEST(ActivationValue, ANameIsALabelAndNothingElse) {
  const Value plain = table({{"activation", "leaky_relu"}, {"slope", 0.2}});
  const Value called = table({{"activation", "leaky_relu"}, {"slope", 0.2}, {"name", "leaky"}});
  EXPECT_EQ(called.label(), "leaky");
  EXPECT_EQ(plain.label(), plain.toml());
  EXPECT_EQ(called.canonical(), plain.canonical());
  EXPECT_EQ(activation_from(called).label(), "leaky");
  EXPECT_EQ(activation_from(called).text(), called.toml());
  EXPECT_EQ(activation_value(activation_from(called).text()), called);
  EXPECT_EQ(activation_from(plain).label(), plain.toml());
  for (const Value& other :
       {table({{"hermite", List{0, 1}}, {"name", "line"}}), table({{"expression", "x"}, {"name", "line"}}),
        table({{"breakpoints", List{}}, {"slopes", List{1}}, {"value", List{0, 0}}, {"name", "line"}})})
    EXPECT_EQ(activation_from(other).label(), "line");
  EXPECT_THAT(check_activation(table({{"hermite", List{0, 1}}, {"name", "relu"}})),
              Optional(HasSubstr("of that name exists already")));
  EXPECT_THAT(check_activation(table({{"hermite", List{0, 1}}, {"name", "silu"}})),
              Optional(HasSubstr("of that name exists already")));
  EXPECT_THAT(check_activation(table({{"hermite", List{0, 1}}, {"name", ""}})), Optional(HasSubstr("'name' is \"\"")));
  EXPECT_THAT(check_activation(table({{"hermite", List{0, 1}}, {"name", 3}})), Optional(HasSubstr("'name' is 3")));
}

TEST(ActivationValue, OneFunctionHasOneNameInAnArchive) {
  EXPECT_EQ(settled_activation("silu"), Value("swish"));
  EXPECT_EQ(settled_activation("hardtanh"), Value("hard_tanh"));
  EXPECT_EQ(settled_activation("relu"), Value("relu"));
  EXPECT_EQ(settled_activation(table({{"activation", "silu"}, {"name", "x"}})),
            table({{"activation", "swish"}, {"name", "x"}}));
  EXPECT_EQ(activation_from("hardtanh").text(), "hard_tanh");
}

TEST(ActivationValue, KinksOfAnExpressionAreKnown) {
  EXPECT_THAT(activation_from(table({{"expression", "max(x, 0)"}})).kinks(), Optional(ElementsAre(0.0)));
  EXPECT_TRUE(activation_from(table({{"expression", "abs(x)"}})).has_kinks());
  EXPECT_FALSE(activation_from(table({{"expression", "x * erf(x)"}})).has_kinks());
}

TEST(ActivationValue, TextOfAFileComesBack) {
  const Value pieces = table({{"breakpoints", List{0.5}}, {"slopes", List{0, 1}}, {"value", List{0, 0}}});
  EXPECT_EQ(activation_value(pieces.text()), pieces);
  EXPECT_EQ(activation_value("relu"), Value("relu"));
  const Value formula = table({{"expression", "x * (1 + erf(x))"}});
  EXPECT_EQ(activation_value(formula.text()), formula);
}

TEST(ActivationValue, MistakesAreNamed) {
  EXPECT_THAT(check_activation("hardtan"), Optional(AllOf(HasSubstr("\"hardtan\""), HasSubstr("\"hard_tanh\""))));
  EXPECT_THAT(check_activation("softplis"), Optional(HasSubstr("did you mean \"softplus\"?")));
  EXPECT_THAT(check_activation("leakyrelu"), Optional(HasSubstr("did you mean \"leaky_relu\"?")));
  EXPECT_THAT(check_activation(3.0), Optional(HasSubstr("3.0 is no activation")));
  EXPECT_THAT(check_activation(table({{"hermit", List{1}}})), Optional(HasSubstr("is no activation")));
  EXPECT_THAT(check_activation(table({{"hermite", List{}}})), Optional(HasSubstr("'hermite' is empty")));
  EXPECT_THAT(check_activation(table({{"hermite", List{"x"}}})), Optional(HasSubstr("finite numbers")));
  EXPECT_THAT(check_activation(table({{"hermite", List{1}}, {"order", 2}})),
              Optional(HasSubstr("unknown key 'order'")));
  EXPECT_THAT(check_activation(table({{"slopes", List{0, 1}}, {"value", List{0, 0}}})),
              Optional(HasSubstr("'breakpoints' is missing")));
  EXPECT_THAT(check_activation(table({{"breakpoints", List{0}}, {"slopes", List{0, 1, 2}}, {"value", List{0, 0}}})),
              Optional(testing::Not("")));
  EXPECT_THAT(check_activation(table({{"breakpoints", List{0}}, {"slopes", List{0, 1}}, {"value", List{0}}})),
              Optional(HasSubstr("'value' has 1 numbers")));
  EXPECT_THAT(check_activation(table({{"expression", "x +"}})), Optional(HasSubstr("incomplete at position")));
  EXPECT_EQ(check_activation("gelu"), std::nullopt);
}

TEST(WeightLawValue, AllLaws) {
  using Kind = WeightLaw::Kind;
  EXPECT_EQ(weight_law_from("gaussian").kind, Kind::gaussian);
  EXPECT_EQ(weight_law_from("orthogonal").kind, Kind::orthogonal);
  EXPECT_EQ(weight_law_from("uniform").kind, Kind::uniform);
  EXPECT_EQ(weight_law_from("rademacher").kind, Kind::rademacher);
  EXPECT_EQ(weight_law_from(table({{"law", "uniform"}})).kind, Kind::uniform);
  const WeightLaw student = weight_law_from(table({{"law", "student_t"}, {"dof", 4}}));
  EXPECT_EQ(student.kind, Kind::student_t);
  EXPECT_EQ(student.parameter, 4.0);
  EXPECT_EQ(weight_law_from(table({{"law", "sparse"}, {"density", 0.1}})).parameter, 0.1);
}

TEST(WeightLawValue, MistakesAreNamed) {
  EXPECT_THAT(check_weight_law("gausian"), Optional(HasSubstr("did you mean \"gaussian\"")));
  EXPECT_THAT(check_weight_law(table({{"law", "student_t"}, {"dof", 2}})), Optional(HasSubstr("dof > 2")));
  EXPECT_THAT(check_weight_law(table({{"law", "student_t"}})), Optional(HasSubstr("'dof' is missing")));
  EXPECT_THAT(check_weight_law(table({{"law", "sparse"}, {"density", 0}})), Optional(HasSubstr("0 < density <= 1")));
  EXPECT_THAT(check_weight_law(table({{"law", "sparse"}, {"density", 1.5}})), Optional(HasSubstr("density = 1.5")));
  EXPECT_THAT(check_weight_law(table({{"law", "gaussian"}, {"dof", 4}})), Optional(HasSubstr("unknown key 'dof'")));
  EXPECT_THAT(check_weight_law(table({{"dof", 4}})), Optional(HasSubstr("'law' is missing")));
  EXPECT_THAT(check_weight_law(1.0), Optional(HasSubstr("no weight distribution")));
}

}  // namespace
}  // namespace meander
