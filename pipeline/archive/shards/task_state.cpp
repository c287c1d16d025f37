#include "pipeline/archive/shards/task_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/storage/own_folder.hpp"
#include "pipeline/storage/sealed_file.hpp"

namespace meander {
namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 16> magic{'m', 'e', 'a', 'n', 'd', 'e', 'r', ' ', 's', 't', 'a', 't', 'e', '\n', '\0', '\0'};
constexpr std::uint32_t format_version = 1;
constexpr const char* extension = ".state";
constexpr const char* unused_extension = ".unused";  // set aside: the task began from nothing

// Magic, format version, measure version, key, resumed, four bytes of nothing, fraction, seconds, length.
constexpr std::size_t head_size = 16 + 4 + 4 + 16 + 4 + 4 + 8 + 8 + 8;

static_assert(std::endian::native == std::endian::little, "numbers in files are little-endian");

template <class T>
void put(std::vector<std::byte>& to, const T& value) {
  const auto* const begin = reinterpret_cast<const std::byte*>(&value);
  to.insert(to.end(), begin, begin + sizeof value);
}

template <class T>
void take(std::span<const std::byte>& from, T& value) {
  std::memcpy(&value, from.data(), sizeof value);
  from = from.subspan(sizeof value);
}

/// The head and how many bytes follow it; otherwise `problem` says why it is none.
std::optional<TaskStateHead> parse(std::span<const std::byte> from, std::uint64_t& length, std::string& problem) {
  std::array<char, 16> mark{};
  if (from.size() >= head_size) take(from, mark);
  if (mark != magic) {
    problem = "no state of a task";
    return std::nullopt;
  }
  std::uint32_t version = 0;
  take(from, version);
  if (version != format_version) {
    problem = fmt::format("written in format {}, this program reads {}", version, format_version);
    return std::nullopt;
  }
  TaskStateHead head;
  std::uint32_t nothing = 0;
  take(from, head.measure_version);
  take(from, head.key);
  take(from, head.resumed);
  take(from, nothing);
  take(from, head.fraction);
  take(from, head.seconds);
  take(from, length);
  return head;
}

/// Why the file's state is not to be used; empty where it is, and in `state` then.
std::string problem_of(const std::string& path, const TaskKey& key, int measure_version, TaskState& state) {
  SealedContent content;
  try {
    content = read_sealed(path, false);
  } catch (const std::exception& error) {
    return error.what();
  }
  if (content.seal != Seal::intact) return "damaged: its bytes are not those that were written";
  std::string problem;
  std::uint64_t length = 0;
  const std::optional<TaskStateHead> head = parse(content.bytes, length, problem);
  if (!head) return problem;
  if (head->key != key) return "another task's";
  if (head->measure_version != static_cast<std::uint32_t>(measure_version)) {
    return fmt::format("written by version {} of the measure, this is version {}", head->measure_version,
                       measure_version);
  }
  if (length != content.bytes.size() - head_size) return "damaged: it has another length than it says";
  if (!std::isfinite(head->seconds) || head->seconds < 0.0) return "damaged: its time is none";
  state.head = *head;
  content.bytes.erase(content.bytes.begin(), content.bytes.begin() + head_size);
  state.bytes = std::move(content.bytes);
  return "";
}

}  // namespace

std::string state_folder(const std::string& archive) {
  return shard_folder(archive) + "/partial";
}

std::string state_file(const std::string& archive, const TaskKey& key) {
  std::string name;
  for (const std::uint8_t byte : key) name += fmt::format("{:02x}", byte);
  return state_folder(archive) + "/" + name + extension;
}

std::vector<std::string> state_files(const std::string& archive) {
  std::vector<std::string> files;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(state_folder(archive), missing)) {
    std::error_code ignored;  // a pipe of that name would be waited for
    if (entry.path().extension() == extension && entry.is_regular_file(ignored)) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void write_state(const std::string& archive, const TaskStateHead& head, std::span<const std::byte> bytes) {
  std::vector<std::byte> content;
  content.reserve(head_size + bytes.size());
  put(content, magic);
  put(content, format_version);
  put(content, head.measure_version);
  put(content, head.key);
  put(content, head.resumed);
  put(content, std::uint32_t{0});
  put(content, head.fraction);
  put(content, head.seconds);
  put(content, static_cast<std::uint64_t>(bytes.size()));
  content.insert(content.end(), bytes.begin(), bytes.end());
  require_own_folder(shard_folder(archive));
  require_own_folder(state_folder(archive));
  replace_sealed(state_file(archive, head.key), content);
}

TaskState read_state(const std::string& archive, const TaskKey& key, int measure_version, std::string& warning) {
  const std::string path = state_file(archive, key);
  TaskState state;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return state;
  const std::string problem = problem_of(path, key, measure_version, state);
  if (!problem.empty()) {
    // Out of the way of the states to come: it may be good after all, for another program or on another day.
    fs::rename(path, path + unused_extension, ignored);
    warning = fmt::format(
        "{}: warning: the kept state of a task is not used ({}) the task starts anew, and the state stays as {}", path,
        problem, path + unused_extension);
  }
  return state;
}

std::vector<TaskStateHead> state_heads(const std::string& archive) {
  std::vector<TaskStateHead> heads;
  for (const std::string& path : state_files(archive)) {
    std::array<std::byte, head_size> bytes{};
    std::ifstream file(path, std::ios::binary);
    if (!file.read(reinterpret_cast<char*>(bytes.data()), bytes.size())) continue;  // removed meanwhile, or damaged
    std::uint64_t length = 0;
    std::string problem;
    if (const auto head = parse(bytes, length, problem); head && std::isfinite(head->fraction)) heads.push_back(*head);
  }
  return heads;
}

void remove_stale_states(const std::string& archive) {
  std::vector<fs::path> begun;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(state_folder(archive), ignored)) {
    if (is_temporary(entry.path().filename().string())) begun.push_back(entry.path());
  }
  for (const fs::path& path : begun) fs::remove(path, ignored);
}

}  // namespace meander
