// Kept states of tasks: what is read back is what was written, and whatever else lies there is not used.
#include "pipeline/archive/shards/task_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/shards/shard_writer.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "tests/support/archive_fixture.hpp"

namespace meander {
namespace {

using namespace archive_testing;
using testing::HasSubstr;
using testing::IsEmpty;

TaskKey key_of(std::uint8_t first) {
  TaskKey key{};
  key.front() = first;
  key.back() = 0xff;
  return key;
}

std::vector<std::byte> bytes_of(const std::string& text) {
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

class TaskStates : public testing::Test {
 protected:
  /// The state of task 1 for version 3, and what is said of it.
  TaskState read(int version = 3) {
    warning_.clear();
    return read_state(archive_, key_of(1), version, warning_);
  }

  Folder folder_;
  std::string archive_ = folder_ / "a.h5";
  TaskStateHead head_{.key = key_of(1), .measure_version = 3, .resumed = 2, .fraction = 0.25, .seconds = 7.5};
  std::string warning_;
};

TEST_F(TaskStates, AreReadBackAndReplaced) {
  EXPECT_THAT(read().bytes, IsEmpty());
  EXPECT_EQ(warning_, "");
  write_state(archive_, head_, bytes_of("first"));
  head_.fraction = 0.5;
  write_state(archive_, head_, bytes_of(std::string("sec\0nd", 6)));
  const TaskState state = read();
  EXPECT_EQ(state.bytes, bytes_of(std::string("sec\0nd", 6)));
  EXPECT_EQ(state.head.fraction, 0.5);
  EXPECT_EQ(state.head.seconds, 7.5);
  EXPECT_EQ(state.head.resumed, 2u);
  EXPECT_EQ(warning_, "");
  EXPECT_EQ(state_files(archive_).size(), 1u);
}

TEST_F(TaskStates, DamagedInAnyByteOrCutAnywhereAreNotUsed) {
  write_state(archive_, head_, bytes_of("some state"));
  const std::string path = state_file(archive_, head_.key);
  const std::string whole = content(path);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    put(path, changed);
    const TaskState state = read();
    EXPECT_THAT(state.bytes, IsEmpty()) << at;
    EXPECT_EQ(state.head.seconds, 0.0);
    EXPECT_THAT(warning_, HasSubstr(path + ": warning: the kept state of a task is not used (damaged"));
    // Set aside, not deleted.
    EXPECT_EQ(content(path + ".unused"), changed);
    EXPECT_FALSE(std::filesystem::exists(path));
    put(path, whole.substr(0, at));
    EXPECT_THAT(read().bytes, IsEmpty()) << at;
    EXPECT_THAT(warning_, HasSubstr("not used (damaged"));
  }
  put(path, whole);
  EXPECT_EQ(read().bytes, bytes_of("some state"));
}

TEST_F(TaskStates, OfOthersAreNotUsed) {
  write_state(archive_, head_, bytes_of("state"));
  EXPECT_THAT(read(4).bytes, IsEmpty());
  EXPECT_THAT(warning_, HasSubstr("(written by version 3 of the measure, this is version 4)"));
  std::filesystem::rename(state_file(archive_, head_.key) + ".unused", state_file(archive_, head_.key));
  EXPECT_EQ(read(3).bytes, bytes_of("state"));
  head_.key = key_of(2);
  write_state(archive_, head_, bytes_of("another"));
  std::filesystem::rename(state_file(archive_, key_of(2)), state_file(archive_, key_of(1)));
  EXPECT_THAT(read().bytes, IsEmpty());
  EXPECT_THAT(warning_, HasSubstr("(another task's)"));
  replace_sealed(state_file(archive_, key_of(1)), bytes_of(std::string(200, 'x')));
  EXPECT_THAT(read().bytes, IsEmpty());
  EXPECT_THAT(warning_, HasSubstr("(no state of a task)"));
  std::filesystem::remove(state_file(archive_, key_of(1)));
  std::filesystem::create_directory(state_file(archive_, key_of(1)));
  EXPECT_THAT(read().bytes, IsEmpty());
  EXPECT_THAT(warning_, HasSubstr("not used"));
}

TEST_F(TaskStates, HeadsAreSeenWhileOthersWrite) {
  write_state(archive_, head_, bytes_of("state"));
  put(state_folder(archive_) + "/torn.state", "meander");
  put(state_folder(archive_) + "/x.state.tmp-host-1", "meander");
  const std::vector<TaskStateHead> heads = state_heads(archive_);
  ASSERT_EQ(heads.size(), 1u);
  EXPECT_EQ(heads.front().fraction, 0.25);
  remove_stale_states(archive_);
  EXPECT_FALSE(std::filesystem::exists(state_folder(archive_) + "/x.state.tmp-host-1"));
  EXPECT_EQ(state_files(archive_).size(), 2u);
}

TEST_F(TaskStates, GoOnceTheRecordIsOnDisk) {
  const Study study = small_study();
  const Layout layout = small_layout();
  write_state(archive_, head_, bytes_of("state"));
  const std::string state = state_file(archive_, head_.key);
  // The shards' folder cannot be made as long as a file is in its place: the record is not on disk, the state stays.
  const std::string folder = folder_ / "b.h5.shards";
  put(folder, "in the way");
  ShardWriter writer(folder, 0, study, layout, std::chrono::milliseconds(1));
  writer.add(record_of(study, layout, 0, 0), state);
  for (int wait = 0; wait < 1000 && writer.problem().empty(); ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_NE(writer.problem(), "");
  EXPECT_TRUE(std::filesystem::exists(state));
  std::filesystem::remove(folder);
  writer.close();
  EXPECT_FALSE(std::filesystem::exists(state));
  EXPECT_EQ(shard_files(folder_ / "b.h5").size(), 1u);
}

TEST_F(TaskStates, AreAnnouncedByAShardWithoutRecords) {
  const Study study = small_study();
  ShardWriter writer(shard_folder(archive_), 0, study, small_layout(), std::chrono::hours(1));
  writer.announce();  // waits for no interval
  for (int wait = 0; wait < 1000 && shard_files(archive_).empty(); ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const std::vector<std::string> files = shard_files(archive_);
  ASSERT_EQ(files.size(), 1u);
  const Shard shard = read_shard(files.front(), ShardPart::everything);
  EXPECT_THAT(shard.records, IsEmpty());
  EXPECT_EQ(shard.header.study.text(), study.text());
  writer.close();
}

}  // namespace
}  // namespace meander
