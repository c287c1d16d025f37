// Named arrays to a file and back, and files that are no such thing.
#include "pipeline/inputs/arrays.hpp"

#include <gmock/gmock.h>
#include <hdf5.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;
using testing::Pair;

class Arrays : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("meander_arrays_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  static std::vector<std::byte> content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    return {bytes, bytes + text.size()};
  }
  static std::string refusal(std::span<const std::byte> file) {
    try {
      read_arrays(file, "net.h5");
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
  NamedArrays example() const {
    NamedArrays arrays;
    arrays.arrays["/layers/0/weight"] = {{2, 3}, {0.1, -2, 3e-300, 1 / 3., 5, 6}};
    arrays.arrays["/curve/center"] = {{3}, {1, 2, 3}};
    arrays.texts["filetype"] = "meander_network";
    arrays.texts["/curve/kind"] = "arc";
    arrays.integers["version"] = {1, 0};
    return arrays;
  }

  std::filesystem::path folder_;
};

TEST_F(Arrays, ComeBackBitForBit) {
  write_arrays(path("net.h5"), example());
  const NamedArrays back = read_arrays(content(path("net.h5")), "net.h5");
  ASSERT_EQ(back.arrays.size(), 2u);
  const NamedArray* weight = back.find("/layers/0/weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_THAT(weight->shape, ElementsAre(2, 3));
  EXPECT_EQ(weight->values, example().arrays["/layers/0/weight"].values);
  EXPECT_EQ(back.texts, example().texts);
  EXPECT_EQ(back.integers, example().integers);
  EXPECT_EQ(back.find("/layers/1/weight"), nullptr);
}

TEST_F(Arrays, TheSameContentGivesTheSameBytes) {
  write_arrays(path("a.h5"), example());
  write_arrays(path("b.h5"), example());
  EXPECT_EQ(content(path("a.h5")), content(path("b.h5")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 2) << "a temporary file was left";
}

TEST_F(Arrays, OtherNumberTypesAndFixedStringsAreRead) {
  const hid_t file = H5Fcreate(path("other.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t extent = 2;
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t scalar = H5Screate(H5S_SCALAR);
  const hid_t floats = H5Dcreate2(file, "floats", H5T_IEEE_F32BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const float values[] = {0.5f, -3.0f};
  H5Dwrite(floats, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  const hid_t integers = H5Dcreate2(file, "integers", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const int numbers[] = {7, 200};
  H5Dwrite(integers, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers);
  const hid_t fixed = H5Tcopy(H5T_C_S1);
  H5Tset_size(fixed, 8);
  H5Tset_strpad(fixed, H5T_STR_SPACEPAD);
  const hid_t words = H5Dcreate2(file, "words", fixed, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t attribute = H5Acreate2(file, "activation", fixed, scalar, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, fixed, "relu    ");
  const hid_t version = H5Acreate2(file, "version", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  const double one_zero[] = {1, 0};
  H5Awrite(version, H5T_NATIVE_DOUBLE, one_zero);
  for (const hid_t id : {attribute, version}) H5Aclose(id);
  for (const hid_t id : {floats, integers, words}) H5Dclose(id);
  for (const hid_t id : {space, scalar}) H5Sclose(id);
  H5Tclose(fixed);
  H5Fclose(file);

  const NamedArrays arrays = read_arrays(content(path("other.h5")), "other.h5");
  ASSERT_EQ(arrays.arrays.size(), 2u) << "strings are no numbers";
  EXPECT_THAT(arrays.find("/floats")->values, ElementsAre(0.5, -3));
  EXPECT_THAT(arrays.find("/integers")->values, ElementsAre(7, 200));
  EXPECT_EQ(arrays.texts.at("activation"), "relu");
  EXPECT_THAT(arrays.integers.at("version"), ElementsAre(1, 0));
  EXPECT_THAT(arrays.others,
              ElementsAre(Pair("/words", HasSubstr("other.h5: /words holds no numbers (it holds texts)"))));
  EXPECT_THROW(arrays.find("/words"), BadInput);
  EXPECT_THROW(arrays.find("/words/of/many"), BadInput);
  EXPECT_EQ(arrays.find("/word"), nullptr);
}

TEST_F(Arrays, LinksAreReadUnderEveryName) {
  write_arrays(path("a.h5"), example());
  const hid_t file = H5Fopen(path("a.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t group = H5Gopen2(file, "/layers", H5P_DEFAULT);
  H5Lcreate_hard(file, "/layers/0", file, "/layers/7", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("0", group, "8", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/nowhere", group, "9", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/layers/11", group, "10", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/layers/10", group, "11", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
  H5Fclose(file);
  const NamedArrays arrays = read_arrays(content(path("a.h5")), "a.h5");
  const NamedArray* first = arrays.find("/layers/0/weight");
  ASSERT_NE(first, nullptr);
  for (const char* name : {"/layers/7/weight", "/layers/8/weight"}) {
    ASSERT_NE(arrays.find(name), nullptr) << name;
    EXPECT_EQ(arrays.find(name)->values, first->values);
    EXPECT_EQ(arrays.find(name)->shape, first->shape);
  }
  EXPECT_THAT(arrays.others, ElementsAre(Key("/layers/10"), Key("/layers/11"), Key("/layers/9")));
  EXPECT_THROW(arrays.find("/layers/9/weight"), BadInput) << "what is optional must not be passed over";
}

TEST_F(Arrays, LinksOutOfTheFileAreRefused) {
  NamedArrays elsewhere;
  elsewhere.arrays["/secret"] = {{1}, {5.0}};
  write_arrays(path("b.h5"), elsewhere);
  const auto link = [&](const std::function<void(hid_t)>& make) {
    write_arrays(path("a.h5"), example());
    const hid_t file = H5Fopen(path("a.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    make(file);
    H5Fclose(file);
    return refusal(content(path("a.h5")));
  };
  const auto external = [&](hid_t file) {
    H5Lcreate_external(path("b.h5").c_str(), "/secret", file, "/extra", H5P_DEFAULT, H5P_DEFAULT);
  };
  EXPECT_THAT(link(external), HasSubstr("net.h5: /extra is a link into another file"));
  EXPECT_THAT(link([&](hid_t file) {
                external(file);
                H5Lcreate_soft("/extra", file, "/a", H5P_DEFAULT, H5P_DEFAULT);
              }),
              HasSubstr("net.h5: /extra is a link into another file"));
  EXPECT_THAT(link([&](hid_t file) {
                constexpr H5L_type_t own = static_cast<H5L_type_t>(200);
                const auto follow = [](const char*, hid_t, const void*, size_t, hid_t, hid_t) -> hid_t { return -1; };
                H5L_class_t kind{};
                kind.version = H5L_LINK_CLASS_T_VERS;
                kind.id = own;
                kind.trav_func = follow;
                H5Lregister(&kind);
                H5Lcreate_ud(file, "/extra", own, "x", 1, H5P_DEFAULT, H5P_DEFAULT);
                H5Lunregister(own);
              }),
              HasSubstr("net.h5: /extra is a link of a program's own kind"));
}

TEST_F(Arrays, GroupsThatContainThemselvesAreRefused) {
  write_arrays(path("a.h5"), example());
  const hid_t file = H5Fopen(path("a.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  H5Lcreate_hard(file, "/", file, "/layers/up", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);
  try {
    read_arrays(content(path("a.h5")), "a.h5");
    FAIL();
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("/layers/up is a link that leads back"));
  }
}

TEST_F(Arrays, GroupsWithoutDatasetsComeBack) {
  NamedArrays arrays = example();
  arrays.texts["/layers/1/kind"] = "flatten";
  arrays.integers["/layers/2/deep/from"] = {-1};
  arrays.groups = {"/empty/one"};
  write_arrays(path("a.h5"), arrays);
  const NamedArrays back = read_arrays(content(path("a.h5")), "a.h5");
  EXPECT_THAT(back.groups, ElementsAre("/curve", "/empty", "/empty/one", "/layers", "/layers/0", "/layers/1",
                                       "/layers/2", "/layers/2/deep"));
  EXPECT_EQ(back.texts, arrays.texts);
  EXPECT_EQ(back.integers, arrays.integers);
  EXPECT_TRUE(back.other_attributes.empty());
  write_arrays(path("b.h5"), arrays);
  EXPECT_EQ(content(path("a.h5")), content(path("b.h5")));
}

TEST_F(Arrays, AttributesThatAreNeitherTextNorWholeAreNamed) {
  write_arrays(path("a.h5"), example());
  const hid_t file = H5Fopen(path("a.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hsize_t extent = 2;
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t half =
      H5Acreate_by_name(file, "/layers/0", "stride", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const double values[] = {1.5, 2.0};
  H5Awrite(half, H5T_NATIVE_DOUBLE, values);
  const hid_t fixed = H5Tcopy(H5T_C_S1);
  H5Tset_size(fixed, 2);
  const hid_t words = H5Acreate2(file, "words", fixed, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(words, fixed, "a b ");
  H5Aclose(half);
  H5Aclose(words);
  H5Tclose(fixed);
  H5Sclose(space);
  H5Fclose(file);
  const NamedArrays back = read_arrays(content(path("a.h5")), "a.h5");
  EXPECT_THAT(back.other_attributes, ElementsAre("/layers/0/stride", "words"));
  EXPECT_EQ(back.integers, example().integers);
  EXPECT_EQ(filetype_of(path("a.h5")), "meander_network");
  EXPECT_EQ(filetype_of(path("none.h5")), "");
}

TEST_F(Arrays, WhatIsNotHdf5IsRefused) {
  EXPECT_THAT(refusal({}), AllOf(HasSubstr("net.h5: not an HDF5 file"), HasSubstr("0 bytes")));
  EXPECT_THAT(refusal(std::vector<std::byte>(5000, std::byte{'x'})), HasSubstr("net.h5: not an HDF5 file"));
}

TEST_F(Arrays, TruncationIsRefusedAnywhere) {
  NamedArrays arrays = example();
  arrays.arrays["/layers/1/weight"] = {{100, 100}, std::vector<double>(10000, 0.25)};
  write_arrays(path("net.h5"), arrays);
  const auto whole = content(path("net.h5"));
  for (const double part : {0.01, 0.3, 0.6, 0.95, 0.9999}) {
    const auto length = static_cast<std::size_t>(part * static_cast<double>(whole.size()));
    EXPECT_THAT(refusal(std::span(whole).first(length)), HasSubstr("truncated")) << part;
  }
}

TEST_F(Arrays, ADatasetThatClaimsTooMuchIsRefused) {
  const auto refused = [&](std::vector<hsize_t> extents, std::vector<hsize_t> chunk) {
    const hid_t file = H5Fcreate(path("huge.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(2, extents.data(), nullptr);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (!chunk.empty()) H5Pset_chunk(creation, 2, chunk.data());
    H5Dclose(H5Dcreate2(file, "huge", H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    const auto bytes = content(path("huge.h5"));
    const std::string message = refusal(bytes);
    EXPECT_EQ(try_arrays(bytes, "net.h5"), message.empty() ? std::nullopt : std::optional(message));
    return message;
  };
  constexpr hsize_t much = 1U << 30;
  EXPECT_THAT(refused({much, much}, {16, 16}), HasSubstr("net.h5: /huge cannot be read (its description is damaged)"));
  EXPECT_THAT(refused({much, 1}, {16, 1}), HasSubstr("/huge has 1073741824 numbers (of which 0 bytes are stored"));
  EXPECT_THAT(refused({20000, 20000}, {}), HasSubstr("/huge has 400000000 numbers (of which 0 bytes are stored"));
  EXPECT_THAT(refused({10000, 10000}, {10000, 10000}), HasSubstr("/huge cannot be read (its chunks take 0.8 GB each"));
  EXPECT_EQ(refused({1000, 1000}, {10, 10}), "") << "some may be zeros that nobody wrote";
}

/// A damaged file never reaches HDF5 in this process.
TEST_F(Arrays, ATrialGivesTheMessageOfTheReaderAndSurvivesACrash) {
  write_arrays(path("net.h5"), example());
  std::vector<std::byte> bytes = content(path("net.h5"));
  EXPECT_EQ(try_arrays(bytes, "net.h5"), std::nullopt);
  EXPECT_EQ(try_arrays(std::vector<std::byte>(5000, std::byte{'x'}), "net.h5"), std::nullopt) << "is no HDF5 file";
  EXPECT_THAT(*try_arrays(std::span(bytes).first(bytes.size() / 2), "net.h5"), HasSubstr("net.h5: not an HDF5 file"));
  std::vector<std::byte> behind(512);
  behind.insert(behind.end(), bytes.begin(), bytes.begin() + 600);
  EXPECT_THAT(*try_arrays(behind, "net.h5"), HasSubstr("net.h5: not an HDF5 file")) << "HDF5 looks there, too";
}

TEST_F(Arrays, WritingNowhereIsAnErrorWithItsReason) {
  try {
    write_arrays(path("missing/net.h5"), example());
    FAIL() << "was written";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("missing/net.h5"), HasSubstr("No such file or directory")));
  }
}

TEST_F(Arrays, AFailedWriteKeepsTheOldFile) {
  std::filesystem::create_directories(path("net.h5") + "/inside");
  EXPECT_THROW(write_arrays(path("net.h5"), example()), std::runtime_error);
  EXPECT_TRUE(std::filesystem::is_directory(path("net.h5")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "a temporary file was left";
}

}  // namespace
}  // namespace meander
