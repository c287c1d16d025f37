// Files with a right seal and a wrong content: every number of a shard or an archive that could lead astray is compared
// with what the study says, and a wrong one makes the file a damaged one.
#include <gtest/gtest.h>
#include <mpi.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <limits>

#include "pipeline/archive/read/archive_check.hpp"
#include "pipeline/archive/read/archive_reader.hpp"
#include "pipeline/archive/read/archive_summary.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/shards/archive_lock.hpp"
#include "pipeline/archive/shards/archive_target.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "tests/support/archive_fixture.hpp"

namespace meander {
namespace {

using namespace archive_testing;

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

/// Changes one dataset of a file and seals it again.
template <class T>
void change(const std::string& path, const std::string& dataset, const std::function<void(std::vector<T>&)>& action) {
  {
    const auto held = hdf5::lock();
    hdf5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, path);
    const hdf5::Handle open = hdf5::open_dataset(file.id(), dataset);
    std::vector<T> values = hdf5::read_dataset<T>(file.id(), dataset);
    action(values);
    hdf5::check(H5Dwrite(open.id(), hdf5::memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), dataset);
  }
  if (has_seal(path)) {  // HDF5 does not always cut it off
    const std::string bytes = content(path);
    overwrite(path, bytes.substr(0, bytes.size() - seal_size));
  }
  seal_and_rename(path, path);
}

class Distrust : public testing::Test {
 protected:
  std::string shard() const { return write_shard(folder_ / "a.h5", 0, study_, layout_, all_records(study_, layout_)); }
  std::string archive() const {
    const std::string source = shard();
    write_archive(MPI_COMM_SELF, folder_ / "a.h5", study_, layout_, {source}, some_attributes());
    return folder_ / "a.h5";
  }

  /// Whatever part is read, the shard is refused with these words.
  template <class T>
  void expect_damaged(const std::string& dataset, const std::function<void(std::vector<T>&)>& action,
                      const std::string& words) const {
    const std::string path = shard();
    change<T>(path, dataset, action);
    for (const ShardPart part : {ShardPart::header, ShardPart::statuses, ShardPart::everything}) {
      const std::string message = refusal([&] { static_cast<void>(read_shard(path, part)); });
      EXPECT_NE(message.find("damaged shard"), std::string::npos) << dataset << ": " << message;
      EXPECT_NE(message.find(words), std::string::npos) << dataset << ": " << message;
    }
    std::filesystem::remove(path);
  }

  /// The archive is refused with these words, and `check` says so.
  template <class T>
  void expect_damaged_archive(const std::string& dataset, const std::function<void(std::vector<T>&)>& action,
                              const std::string& words) const {
    const std::string path = archive();
    change<T>(path, dataset, action);
    const CheckReport report = check_archive(path);
    ASSERT_FALSE(report.intact()) << dataset;
    EXPECT_NE(report.problems.front().find(words), std::string::npos) << report.problems.front();
    const std::string message =
        refusal([&] { static_cast<void>(read_statuses(study_, layout_, {path})); });  // before a run computes anything
    EXPECT_NE(message.find(words), std::string::npos) << dataset << ": " << message;
    EXPECT_NE(refusal([&] { write_archive(MPI_COMM_SELF, folder_ / "joined.h5", study_, layout_, {path}, {}); }), "");
    std::filesystem::remove(path);
    std::filesystem::remove_all(shard_folder(path));
  }

  Folder folder_;
  Study study_ = small_study();
  Layout layout_ = small_layout();
};

TEST_F(Distrust, AnUntouchedShardAndArchivePass) {
  const std::string path = shard();
  change<std::int64_t>(path, "family_0/cell", [](auto&) {});
  EXPECT_EQ(read_shard(path, ShardPart::everything).records.size(), all_records(study_, layout_).size());
  std::filesystem::remove(path);
  const std::string whole = archive();
  change<std::int8_t>(whole, "status", [](auto&) {});
  EXPECT_TRUE(check_archive(whole).intact());
}

TEST_F(Distrust, ExtentsThatAreNotThoseOfTheValues) {
  using Numbers = std::vector<std::int64_t>;
  for (const std::int64_t extent : {std::int64_t{4}, std::int64_t{1} << 40, largest}) {
    expect_damaged<std::int64_t>(
        "family_0/arrays/transitions.extents", [=](Numbers& v) { v[1] = extent; }, "is longer");
    expect_damaged<std::int64_t>(
        "family_0/arrays/position.extents", [=](Numbers& v) { v[0] = extent; }, "number of values");
  }
  expect_damaged<std::int64_t>(
      "family_0/arrays/transitions.extents", [](Numbers& v) { v[1] = -1; }, "negative");
  expect_damaged<std::int64_t>(
      "family_0/arrays/split.extents", [](Numbers& v) { v[1] = 1; }, "number of values");
  expect_damaged<std::int64_t>(
      "family_0/arrays/split.extents", [](Numbers& v) { v[1] = largest; }, "is longer");
}

TEST_F(Distrust, CountsThatAreNotThoseOfTheValues) {
  using Numbers = std::vector<std::int64_t>;
  for (const std::int64_t count : {std::int64_t{-2}, std::int64_t{7}, largest, -largest}) {
    expect_damaged<std::int64_t>(
        "family_0/arrays/length.count", [=](Numbers& v) { v[2] = count; }, "number of values");
  }
  expect_damaged<std::int64_t>(
      "family_0/arrays/input_length.count", [](Numbers& v) { v[2] = 0; }, "number of values");
  expect_damaged<std::int64_t>(
      "family_0/arrays/input_length.count", [](Numbers& v) { v[2] = -1; }, "belong to no row");
  // The two arrays over events differ in length: one row's last value has become the next row's first.
  expect_damaged<std::int64_t>(
      "family_0/arrays/neuron.count",
      [](Numbers& v) {
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = i == 0 ? v[i] + 1 : v[i];
      },
      "number of values");
}

TEST_F(Distrust, RowsOfOtherCells) {
  using Numbers = std::vector<std::int64_t>;
  expect_damaged<std::int64_t>(
      "family_0/cell", [](Numbers& v) { std::swap(v[0], v[1]); }, "another task");
  expect_damaged<std::int64_t>(
      "family_0/cell", [](Numbers& v) { v[0] = v[1]; }, "of one cell");
  expect_damaged<std::int64_t>(
      "family_0/cell", [](Numbers& v) { v[0] = 36; }, "does not have");
  expect_damaged<std::int64_t>(
      "family_1/cell", [](Numbers& v) { v[0] = -1; }, "does not have");
  expect_damaged<std::uint8_t>(
      "family_0/key", [](auto& v) { std::fill(v.begin(), v.begin() + 16, 0); }, "another task");
  expect_damaged<std::uint8_t>(
      "family_1/key", [](auto& v) { v.back() ^= 1; }, "another task");
  for (const std::int8_t status : {-1, 0, 5, 127}) {
    expect_damaged<std::int8_t>(
        "family_0/status", [=](auto& v) { v[5] = status; }, "a status");
  }
}

TEST_F(Distrust, ADamagedShardIsListedAndTheOthersCount) {
  const std::string bad = write_shard(folder_ / "a.h5", 0, study_, layout_, {record_of(study_, layout_, 0, 0)});
  write_shard(folder_ / "a.h5", 0, study_, layout_, {record_of(study_, layout_, 0, 1)});
  change<std::uint8_t>(bad, "family_0/key", [](auto& v) { v[3] ^= 1; });
  const Summary summary = summarise(folder_ / "a.h5");
  EXPECT_EQ(summary.count(Status::done), 1U);
  ASSERT_EQ(summary.warnings.size(), 1U);
  EXPECT_NE(summary.warnings[0].find("another task"), std::string::npos);
}

TEST_F(Distrust, LengthsInAnArchiveThatDoNotAddUp) {
  using Numbers = std::vector<std::int64_t>;
  expect_damaged_archive<std::int64_t>(
      "event_count", [](Numbers& v) { v[0] = -1; }, "'event_count' is damaged");
  expect_damaged_archive<std::int64_t>(
      "event_count", [](Numbers& v) { ++v[0]; }, "'event_count' is damaged");
  expect_damaged_archive<std::int64_t>(
      "event_count", [](Numbers& v) { std::fill(v.begin(), v.end(), 0); }, "less");
  // Sums that wrap around to the right one.
  expect_damaged_archive<std::int64_t>(
      "event_count",
      [](Numbers& v) {
        v[0] += largest;
        v[1] += largest;
        v[2] += 2;
      },
      "'event_count' is damaged");
}

TEST_F(Distrust, BookkeepingOfAnArchive) {
  for (const std::int8_t status : {-1, 5, 127}) {
    expect_damaged_archive<std::int8_t>(
        "status", [=](auto& v) { v[7] = status; }, "'status' is damaged");
  }
  for (const std::int64_t code : {std::int64_t{-1}, std::int64_t{1}, largest}) {
    expect_damaged_archive<std::int64_t>(
        "error_code", [=](auto& v) { v[7] = code; }, "'error_code' is damaged");
    expect_damaged_archive<std::int64_t>(
        "error_code_theory", [=](auto& v) { v[0] = code; }, "'error_code_theory'");
  }
}

TEST_F(Distrust, LayoutsThatDoNotFitTheirStudy) {
  const auto refused = [&](const std::function<void(Study&, Layout&)>& action) {
    Study study = study_;
    Layout layout = layout_;
    action(study, layout);
    const auto held = hdf5::lock();
    const std::string path = folder_ / "x.shard";
    replace_sealed(path, shard_image(study, layout, {}));
    return refusal([&] { static_cast<void>(read_shard(path, ShardPart::header)); });
  };
  const std::string words = "its layout does not fit its study";
  EXPECT_NE(refused([](Study& s, Layout&) { s.realizations = std::int64_t{1} << 40; }).find("can be counted"),
            std::string::npos);
  EXPECT_NE(refused([](Study& s, Layout&) { s.realizations = largest; }).find("can be counted"), std::string::npos);
  EXPECT_EQ(refused([](Study&, Layout&) {}), "");
  const std::vector<std::function<void(Study&, Layout&)>> changes = {
      [](Study&, Layout& l) { l.families[0].arrays[0].dimensions = {"nowhere"}; },
      [](Study&, Layout& l) {
        l.families[0].arrays[4].dimensions = {"layer", "event"};
      },
      [](Study&, Layout& l) { l.families[1].over->push_back("depth"); },
      [](Study&, Layout& l) { l.families[1].name = "invented"; },
      [](Study&, Layout& l) { l.families[1].arrays[0].name = "length"; },
      [](Study&, Layout& l) { l.dimensions[1].name = "layer"; },
      [](Study&, Layout& l) { l.dimensions[0].size = std::size_t{1} << 50; },
      [](Study&, Layout& l) { l.families.clear(); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    EXPECT_NE(refused(changes[i]).find(words), std::string::npos) << i << ": " << refused(changes[i]);
  }
}

TEST_F(Distrust, LinksAreNotFollowedWhereShardsAreKept) {
  const std::string victim = folder_ / "victim";
  overwrite(victim, "precious");
  const std::string archive = folder_ / "b.h5";
  // The lock.
  ::mkdir(shard_folder(archive).c_str(), 0700);
  ASSERT_EQ(::symlink(victim.c_str(), (shard_folder(archive) + "/lock").c_str()), 0);
  EXPECT_NE(refusal([&] { ArchiveLock lock(archive); }).find("link"), std::string::npos);
  EXPECT_EQ(lock_holder(archive), std::nullopt);
  std::filesystem::remove(shard_folder(archive) + "/lock");
  ASSERT_EQ(::link(victim.c_str(), (shard_folder(archive) + "/lock").c_str()), 0);
  EXPECT_NE(refusal([&] { ArchiveLock lock(archive); }), "");
  std::filesystem::remove(shard_folder(archive) + "/lock");
  ASSERT_EQ(::mkfifo((shard_folder(archive) + "/lock").c_str(), 0600), 0);
  EXPECT_NE(refusal([&] { ArchiveLock lock(archive); }), "");
  EXPECT_EQ(lock_holder(archive), std::nullopt);
  std::filesystem::remove(shard_folder(archive) + "/lock");
  // The folder of states, a shard, and the folder itself.
  ::mkdir((folder_ / "elsewhere").c_str(), 0700);
  ASSERT_EQ(::symlink((folder_ / "elsewhere").c_str(), (shard_folder(archive) + "/partial").c_str()), 0);
  EXPECT_NE(refusal([&] { ArchiveLock lock(archive); }).find("link"), std::string::npos);
  ASSERT_EQ(::symlink(shard().c_str(), (shard_folder(archive) + "/x.shard").c_str()), 0);
  EXPECT_NE(refusal([&] { static_cast<void>(read_header(shard_folder(archive) + "/x.shard")); }), "");
  ASSERT_EQ(::symlink((folder_ / "elsewhere").c_str(), (folder_ / "c.h5.shards").c_str()), 0);
  EXPECT_NE(refusal([&] { ArchiveLock lock(folder_ / "c.h5"); }).find("link"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "elsewhere"));
  EXPECT_EQ(content(victim), "precious");
}

TEST_F(Distrust, TemporaryFilesAreNotWrittenThroughLinks) {
  const std::string victim = folder_ / "victim";
  overwrite(victim, "precious");
  const std::vector<std::byte> bytes(100);
  ASSERT_EQ(::symlink(victim.c_str(), temporary_name(folder_ / "a").c_str()), 0);
  replace_sealed(folder_ / "a", bytes);
  EXPECT_EQ(verify_seal(folder_ / "a"), Seal::intact);
  ASSERT_EQ(::symlink(victim.c_str(), (folder_ / "b").c_str()), 0);
  write_file(folder_ / "b", bytes);
  EXPECT_EQ(content(folder_ / "b").size(), 100U);
  EXPECT_EQ(content(victim), "precious");
}

TEST_F(Distrust, FoldersOfOthersAreNotUsed) {
  if (::geteuid() != 0) GTEST_SKIP() << "giving a folder to another user needs root";
  ::mkdir((folder_ / "a.h5.shards").c_str(), 0777);
  ASSERT_EQ(::chown((folder_ / "a.h5.shards").c_str(), 12345, 12345), 0);
  EXPECT_NE(refusal([&] { ArchiveLock lock(folder_ / "a.h5"); }).find("belongs to another user"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "a.h5.shards"));
}

TEST_F(Distrust, TheLockIsTakenAgainWhereItsFolderWasRemoved) {
  ArchiveLock lock(folder_ / "a.h5");
  std::filesystem::remove_all(folder_ / "a.h5.shards");
  lock.renew();
  EXPECT_TRUE(lock_holder(folder_ / "a.h5").has_value());
  std::filesystem::remove_all(folder_ / "a.h5.shards");
  ArchiveLock other(folder_ / "a.h5");
  EXPECT_NE(refusal([&] { lock.renew(); }).find("another run"), std::string::npos);
}

TEST_F(Distrust, NamesStayShort) {
  const std::string name(240, 'x');
  EXPECT_LE(std::filesystem::path(temporary_name(folder_ / name)).filename().string().size(), 80U);
  EXPECT_NE(temporary_name(folder_ / (name + "a")), temporary_name(folder_ / (name + "b")));
  EXPECT_EQ(temporary_name("a.h5").find('/'), std::string::npos);
  EXPECT_LE(std::filesystem::path(shard()).filename().string().size(), 90U);
  EXPECT_EQ(refusal([&] { check_target(folder_ / std::string(248, 'x'), false); }), "");
  EXPECT_NE(refusal([&] { check_target(folder_ / std::string(249, 'x'), false); }).find("too long"), std::string::npos);
  EXPECT_NE(refusal([&] { check_target(folder_ / std::string(248, 'x'), true); }).find("too long"), std::string::npos);
}

TEST_F(Distrust, LinksToAnArchiveLeadToIt) {
  ::mkdir((folder_ / "far").c_str(), 0700);
  ASSERT_EQ(::symlink("far/a.h5", (folder_ / "near.h5").c_str()), 0);
  ASSERT_EQ(::symlink("near.h5", (folder_ / "nearer.h5").c_str()), 0);
  EXPECT_EQ(archive_target(folder_ / "nearer.h5"), folder_ / "far/a.h5");
  EXPECT_EQ(shard_folder(folder_ / "near.h5"), folder_ / "far/a.h5.shards");
  EXPECT_EQ(archive_target("plain.h5"), "plain.h5");
  ASSERT_EQ(::symlink("round.h5", (folder_ / "round.h5").c_str()), 0);
  EXPECT_NE(refusal([&] { static_cast<void>(archive_target(folder_ / "round.h5")); }).find("circles"),
            std::string::npos);
  const std::string source = shard();
  write_archive(MPI_COMM_SELF, folder_ / "nearer.h5", study_, layout_, {source}, some_attributes());
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "nearer.h5"));
  EXPECT_TRUE(check_archive(folder_ / "far/a.h5").intact());
}

TEST_F(Distrust, AnArchiveThatWasReplacedMeanwhileStays) {
  const std::string path = archive();
  const std::string other = write_shard(folder_ / "b.h5", 0, study_, layout_, {record_of(study_, layout_, 0, 0)});
  // It is none of the sources.
  EXPECT_THROW(write_archive(MPI_COMM_SELF, path, study_, layout_, {other}, {}), std::runtime_error);
  EXPECT_EQ(ArchiveReader(path).statuses(0)[5], Status::done);
  ::chmod(path.c_str(), 0444);
  EXPECT_NE(refusal([&] { check_target(path, false); }).find("write-protected"), std::string::npos);
  EXPECT_THROW(write_archive(MPI_COMM_SELF, path, study_, layout_, {path, other}, {}), std::runtime_error);
  ::chmod(path.c_str(), 0640);
  write_archive(MPI_COMM_SELF, path, study_, layout_, {path, other}, {});
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

}  // namespace
}  // namespace meander
