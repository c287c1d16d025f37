// The archive that ranks write together is, byte for byte, the one that a single rank writes.
#include <gtest/gtest.h>
#include <mpi.h>

#include <optional>

#include "pipeline/archive/read/archive_check.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "tests/support/archive_fixture.hpp"

namespace meander {
namespace {

using namespace archive_testing;

/// One folder for all ranks, made and removed by rank 0.
class SharedFolder {
 public:
  SharedFolder() {
    if (rank_of(MPI_COMM_WORLD) == 0) {
      folder_.emplace();
      path_ = *folder_ / "";
    }
    broadcast(MPI_COMM_WORLD, path_);
  }
  ~SharedFolder() { MPI_Barrier(MPI_COMM_WORLD); }
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + name; }

 private:
  std::optional<Folder> folder_;
  std::string path_;
};

bool root() {
  return rank_of(MPI_COMM_WORLD) == 0;
}

/// Every rank writes the shard of the cells that fell to it.
void write_shards(const std::string& archive, const Study& study, const Layout& layout) {
  const auto size = static_cast<std::size_t>(size_of(MPI_COMM_WORLD));
  const auto rank = static_cast<std::size_t>(rank_of(MPI_COMM_WORLD));
  std::vector<Record> own;
  for (Record& record : all_records(study, layout)) {
    if ((record.cell * 7) % size == rank) own.push_back(std::move(record));
  }
  write_shard(archive, rank_of(MPI_COMM_WORLD), study, layout, own);
  MPI_Barrier(MPI_COMM_WORLD);
}

void expect_same_as_one_rank(const Study& study, const Layout& layout) {
  const SharedFolder folder;
  const std::string together = folder / "a.h5";
  write_shards(together, study, layout);
  const std::vector<std::string> shards = shard_files(together);
  write_archive(MPI_COMM_WORLD, together, study, layout, shards, some_attributes());
  if (root()) {
    EXPECT_TRUE(check_archive(together).intact());
    write_archive(MPI_COMM_SELF, folder / "alone.h5", study, layout, shards, some_attributes());
    EXPECT_TRUE(content(together) == content(folder / "alone.h5"));
  }
  MPI_Barrier(MPI_COMM_WORLD);
  // Once more, from the archive itself and a shard that it already holds.
  write_archive(MPI_COMM_WORLD, folder / "again.h5", study, layout, {shards.front(), together}, some_attributes());
  if (root()) {
    EXPECT_TRUE(content(together) == content(folder / "again.h5"));
  }
}

TEST(archive_on_ranks, is_the_archive_of_one_rank) {
  expect_same_as_one_rank(small_study(), small_layout());
}

// Arrays of several chunks, whose boundaries are not those of the ranks.
TEST(archive_on_ranks, is_the_archive_of_one_rank_with_many_chunks) {
  std::vector<Value> widths;
  for (int i = 1; i <= 37; ++i) widths.emplace_back(i);
  expect_same_as_one_rank(small_study(widths, {0.5, 1.5}, 101), small_layout(40));
}

// Fewer cells than ranks: some write nothing.
TEST(archive_on_ranks, is_the_archive_of_one_rank_with_a_single_cell) {
  expect_same_as_one_rank(small_study({4}, {0.5}, 1), small_layout());
}

TEST(archive_on_ranks, failure_of_one_rank_is_the_failure_of_all) {
  const SharedFolder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::string archive = folder / "a.h5";
  write_shards(archive, study, layout);
  const std::vector<std::string> shards = shard_files(archive);
  MPI_Barrier(MPI_COMM_WORLD);
  if (root()) overwrite(shards.back(), "damaged");  // read by one rank alone
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_THROW(write_archive(MPI_COMM_WORLD, archive, study, layout, shards, {}), BadInput);
  EXPECT_FALSE(std::filesystem::exists(archive));
  EXPECT_THROW(write_archive(MPI_COMM_WORLD, folder / "nowhere/a.h5", study, layout, {}, {}), std::runtime_error);
}

TEST(archive_on_ranks, conflict_is_refused_on_all) {
  const SharedFolder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::string archive = folder / "a.h5";
  write_shards(archive, study, layout);
  if (root()) {
    Record record = record_of(study, layout, 0, 20);
    ++std::get<std::vector<std::int64_t>>(record.arrays[1])[0];
    write_shard(archive, 99, study, layout, {record});
  }
  MPI_Barrier(MPI_COMM_WORLD);
  try {
    write_archive(MPI_COMM_WORLD, archive, study, layout, shard_files(archive), {});
    ADD_FAILURE() << "the conflict went unnoticed";
  } catch (const BadInput& error) {
    EXPECT_NE(std::string(error.what()).find("'transitions'"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace meander
