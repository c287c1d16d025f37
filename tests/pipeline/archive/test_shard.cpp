// Shards: whatever happens to the process that writes them, what was kept is whole.
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <atomic>

#include <random>
#include <thread>

#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/shards/shard_writer.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "tests/support/archive_fixture.hpp"

namespace meander {
namespace {

using namespace archive_testing;
using namespace std::chrono_literals;

void expect_same(const Record& a, const Record& b) {
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.family, b.family);
  EXPECT_EQ(a.cell, b.cell);
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.seconds, b.seconds);
  EXPECT_EQ(a.message, b.message);
  EXPECT_EQ(a.extents, b.extents);
  EXPECT_EQ(a.arrays, b.arrays);
}

TEST(shard, gives_back_every_record) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  std::vector<Record> records = all_records(study, layout);
  records[3] = failed_record_of(layout, 3, "why: a\nnewline, an ä");
  const Shard shard = read_shard(write_shard(folder / "a.h5", 0, study, layout, records), ShardPart::everything);
  EXPECT_TRUE(shard.header.is_shard);
  EXPECT_EQ(shard.header.study.text(), study.text());
  ASSERT_EQ(shard.records.size(), records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].status == Status::done) {
      expect_same(shard.records[i], records[i]);
    } else {
      EXPECT_EQ(shard.records[i].message, records[i].message);
    }
  }
}

TEST(shard, is_kept_at_the_interval_without_being_asked) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  ShardWriter writer(folder / "s", 0, study, layout, 20ms);
  EXPECT_EQ(writer.kept(), 0U);
  for (std::size_t cell = 0; cell < 3; ++cell) {
    writer.add(record_of(study, layout, 0, cell));
    for (int wait = 0; wait < 500 && writer.kept() != cell + 1; ++wait) std::this_thread::sleep_for(10ms);
    EXPECT_EQ(writer.kept(), cell + 1);
  }
  writer.close();
  writer.close();  // harmless
}

TEST(shard, of_another_writer_is_never_overwritten) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  for (int i = 0; i < 3; ++i) write_shard(folder / "a.h5", 0, study, layout, {record_of(study, layout, 0, 1)});
  EXPECT_EQ(shard_files(folder / "a.h5").size(), 3U);
}

/// One array of `size` doubles a cell; and the record of a cell.
Layout layout_of(std::size_t size) {
  Layout layout;
  layout.dimensions = {{"index", size, "1", "index", {}, false}};
  layout.families = {{"invented", {}, true, {{"x", "1", "x", ArrayType::float64, {"index"}, false, ""}}}};
  return layout;
}
Record large_record(const Study& study, const Layout& layout, std::size_t cell) {
  Results results(layout.families[0]);
  results.set("x", std::vector<double>(layout.dimensions[0].size, static_cast<double>(cell)));
  Record record;
  std::move(results).fill(record);
  record.cell = cell;
  record.key = task_key(study, layout.families[0], CellSpace(study, layout.families[0]), cell);
  return record;
}

TEST(shard, that_has_grown_large_is_closed_and_a_further_one_begun) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = layout_of(std::size_t{3} << 18);
  ShardWriter writer(shard_folder(folder / "a.h5"), 0, study, layout, 1h);
  for (std::size_t cell = 0; cell < 8; ++cell) {  // 6 MiB each, a file takes 16
    writer.add(large_record(study, layout, cell));
    if (cell == 3) {
      // More than a file's worth is waiting, so it is written although the interval is long.
      for (int wait = 0; wait < 1000 && writer.kept() == 0; ++wait) std::this_thread::sleep_for(10ms);
      EXPECT_GE(writer.kept(), 3U);
    }
  }
  writer.close();
  EXPECT_EQ(writer.kept(), 8U);
  const auto files = shard_files(folder / "a.h5");
  EXPECT_GE(files.size(), 2U);
  std::size_t held = 0;
  for (const std::string& file : files) held += read_shard(file, ShardPart::statuses).records.size();
  EXPECT_EQ(held, 8U);
}

// Whoever adds waits while a disk is slower than the tasks, and only then.
TEST(shard, holds_few_results_that_are_not_on_disk) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = layout_of(std::size_t{1} << 20);
  ShardWriter writer(shard_folder(folder / "a.h5"), 0, study, layout, 1h);
  std::atomic<std::size_t> added = 0;
  auto held = hdf5::lock();  // nothing can be written
  std::thread tasks([&] {
    for (std::size_t cell = 0; cell < 12; ++cell, ++added) {  // 8 MiB each
      writer.add(large_record(study, layout, cell));
    }
  });
  std::this_thread::sleep_for(500ms);
  EXPECT_GE(added, 4U);
  EXPECT_LE(added, 5U);
  held.unlock();
  tasks.join();
  writer.close();
  EXPECT_EQ(writer.kept(), 12U);
}

TEST(shard, refuses_a_record_that_does_not_fit_its_family) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  ShardWriter writer(folder / "s", 0, study, layout, 1h);
  Record record = record_of(study, layout, 0, 0);
  std::get<std::vector<double>>(record.arrays[0]).assign(9, 0.0);
  record.extents[0] = {9};  // the layout has three layers
  EXPECT_THROW(writer.add(record), std::logic_error);
  record = record_of(study, layout, 0, 0);
  record.arrays[2] = std::vector<std::int64_t>{1};
  EXPECT_THROW(writer.add(record), std::logic_error);
}

TEST(shard, damaged_in_any_byte_is_refused) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::string path = write_shard(folder / "a.h5", 0, study, layout, {record_of(study, layout, 0, 1)});
  const std::string bytes = content(path);
  std::mt19937 random(1);
  for (int i = 0; i < 100; ++i) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    overwrite(path, damaged);
    EXPECT_THROW(static_cast<void>(read_header(path)), BadInput);
    overwrite(path, bytes.substr(0, random() % bytes.size()));
    EXPECT_THROW(static_cast<void>(read_header(path)), BadInput);
  }
  overwrite(path, bytes);
  EXPECT_TRUE(read_header(path).is_shard);
}

TEST(shard, write_that_fails_is_reported_and_tried_again) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  overwrite(folder / "s", "a file where the folder should be");
  ShardWriter writer(folder / "s", 0, study, layout, 10ms);
  writer.add(record_of(study, layout, 0, 0));
  for (int wait = 0; wait < 500 && writer.problem().empty(); ++wait) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(writer.problem().empty());
  EXPECT_EQ(writer.kept(), 0U);
  std::filesystem::remove(folder / "s");
  for (int wait = 0; wait < 500 && writer.kept() == 0; ++wait) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(writer.kept(), 1U);
  EXPECT_EQ(writer.problem(), "");
  std::filesystem::remove_all(folder / "s");
  overwrite(folder / "s", "again");
  writer.add(record_of(study, layout, 0, 1));
  EXPECT_THROW(writer.close(), std::runtime_error);
}

// A limit on file sizes stands in for a disk that is full: write() fails in the same place.
TEST(shard, full_disk_leaves_the_earlier_file_whole) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    ShardWriter writer(shard_folder(folder / "a.h5"), 0, study, layout, 1ms);
    writer.add(record_of(study, layout, 0, 0));
    while (writer.kept() == 0) std::this_thread::sleep_for(1ms);
    const rlimit small{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &small);
    writer.add(record_of(study, layout, 0, 1));
    bool reported = false;
    try {
      writer.close();
    } catch (const std::runtime_error& error) {
      reported = std::string(error.what()).find("File too large") != std::string::npos;
    }
    ::_exit(reported ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  const auto files = shard_files(folder / "a.h5");
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(read_shard(files[0], ShardPart::everything).records.size(), 1U);
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(shard_folder(folder / "a.h5")))
    ++entries;
  EXPECT_EQ(entries, 1U);  // nothing half-written beside it
}

TEST(shard, killed_at_any_moment_leaves_what_was_kept) {
  const Study study = small_study({4, 8, 16, 32, 64}, {0.5, 1.5}, 50);
  const Layout layout = small_layout();
  const std::size_t cells = CellSpace(study, layout.families[0]).size();
  std::mt19937 random(2);
  std::size_t most = 0;
  for (int round = 0; round < 20; ++round) {
    const Folder folder;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ShardWriter writer(shard_folder(folder / "a.h5"), 0, study, layout, 0s);
      for (std::size_t cell = 0;; ++cell) {
        if (cell < cells) writer.add(record_of(study, layout, 0, cell));
        const std::size_t kept = writer.kept();
        if (::write(ends[1], &kept, sizeof kept) < 0) ::_exit(1);
        ::usleep(100);
      }
    }
    ::close(ends[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 100000));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    std::size_t claimed = 0;
    for (std::size_t kept = 0; ::read(ends[0], &kept, sizeof kept) == sizeof kept;) claimed = kept;
    ::close(ends[0]);
    std::size_t held = 0;
    for (const std::string& file : shard_files(folder / "a.h5")) {
      for (const Record& record : read_shard(file, ShardPart::everything).records) {
        expect_same(record, record_of(study, layout, 0, record.cell));
        ++held;
      }
    }
    EXPECT_GE(held, claimed);
    most = std::max(most, claimed);
  }
  EXPECT_GT(most, 0U);  // else the rounds were all too short to mean anything
}

}  // namespace
}  // namespace meander
