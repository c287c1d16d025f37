// `check` finds any flipped byte and names the damaged arrays.
#include <gtest/gtest.h>
#include <mpi.h>

#include <random>

#include "pipeline/archive/read/archive_check.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "tests/support/archive_fixture.hpp"

namespace meander {
namespace {

using namespace archive_testing;

std::string written(const Folder& folder) {
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::string shard = write_shard(folder / "a.h5", 0, study, layout, all_records(study, layout));
  write_archive(MPI_COMM_SELF, folder / "a.h5", study, layout, {shard}, some_attributes());
  return folder / "a.h5";
}

std::string flipped(std::string bytes, std::size_t position, int bit) {
  bytes[position] = static_cast<char>(bytes[position] ^ (1 << bit));
  return bytes;
}

TEST(check, passes_a_good_archive) {
  const Folder folder;
  const CheckReport report = check_archive(written(folder));
  EXPECT_TRUE(report.intact()) << report.problems.front();
  EXPECT_GT(report.arrays, 20U);
}

TEST(check, seal_finds_every_flipped_byte) {
  const Folder folder;
  const std::string bytes = content(written(folder));
  for (std::size_t position = 0; position < bytes.size(); ++position) {
    // Most of the file is covered quickly by a stride; both ends are covered byte by byte.
    const bool dense = position < 2048 || position + 256 > bytes.size();
    if (!dense && position % 13 != 0) continue;
    overwrite(folder / "b.h5", flipped(bytes, position, static_cast<int>(position % 8)));
    ASSERT_NE(verify_seal(folder / "b.h5"), Seal::intact) << position;
  }
}

TEST(check, survives_and_reports_damage_anywhere) {
  const Folder folder;
  const std::string bytes = content(written(folder));
  std::mt19937 random(4);
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < 2048; i += 16) positions.push_back(i);
  for (int i = 0; i < 150; ++i) positions.push_back(random() % bytes.size());
  for (const std::size_t position : positions) {
    overwrite(folder / "b.h5", flipped(bytes, position, static_cast<int>(random() % 8)));
    const CheckReport report = check_archive(folder / "b.h5");
    ASSERT_FALSE(report.intact()) << position;
    ASSERT_GE(report.problems.size(), 2U) << position;  // the seal, and what it means for the arrays
  }
}

TEST(check, reports_truncation_and_extension) {
  const Folder folder;
  const std::string bytes = content(written(folder));
  for (const std::size_t size : {0UL, 1UL, 79UL, 80UL, 1000UL, bytes.size() / 2, bytes.size() - 80, bytes.size() - 1}) {
    overwrite(folder / "b.h5", bytes.substr(0, size));
    EXPECT_FALSE(check_archive(folder / "b.h5").intact()) << size;
  }
  overwrite(folder / "b.h5", bytes + "x");
  EXPECT_FALSE(check_archive(folder / "b.h5").intact());
  EXPECT_THROW(check_archive(folder / "none.h5"), BadInput);
}

TEST(check, names_the_damaged_array) {
  const Folder folder;
  const std::string path = written(folder);
  haddr_t address = 0;
  {
    const auto held = hdf5::lock();
    const hdf5::Handle file = hdf5::open_file(path);
    const hdf5::Handle dataset = hdf5::open_dataset(file.id(), "transitions");
    const hdf5::Handle space = hdf5::dataset_space(dataset.id());
    hsize_t size = 0;
    unsigned mask = 0;
    std::vector<hsize_t> offset(5);
    ASSERT_GE(H5Dget_chunk_info(dataset.id(), space.id(), 0, offset.data(), &mask, &address, &size), 0);
  }
  overwrite(path, flipped(content(path), address + 10, 3));
  const CheckReport report = check_archive(path);
  const auto names = [&](const std::string& word) {
    return std::any_of(report.problems.begin(), report.problems.end(),
                       [&](const std::string& problem) { return problem.find(word) != std::string::npos; });
  };
  EXPECT_TRUE(names("'transitions' cannot be read"));
  EXPECT_FALSE(names("'length'"));
}

TEST(check, compares_the_arrays_with_the_study) {
  const Folder folder;
  const std::string path = written(folder);
  std::string sealed = content(path);
  {
    const auto held = hdf5::lock();
    hdf5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, path);
    hdf5::check(H5Ldelete(file.id(), "status", H5P_DEFAULT), path);
    file.close();
  }
  // Sealed anew, as a program would that knows the seal but not the format.
  std::filesystem::rename(path, folder / "half.h5");
  seal_and_rename(folder / "half.h5", path);
  const CheckReport report = check_archive(path);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0], "array 'status' is missing");
}

}  // namespace
}  // namespace meander
