// Files that are either whole or not there: written beside their place, closed with a line that
// holds the SHA-256 of everything before it, synced and renamed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace meander {

/// SHA-256 of bytes that come in pieces.
class RunningSha256 {
 public:
  RunningSha256();
  ~RunningSha256();
  RunningSha256(const RunningSha256&) = delete;
  RunningSha256& operator=(const RunningSha256&) = delete;
  void add(std::span<const std::byte> bytes);
  /// Lower-case hexadecimal, once.
  std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The seal is the file's last line: this text, 64 hexadecimal digits, a newline.
inline constexpr const char* seal_prefix = "meander sha256 ";
inline constexpr std::size_t seal_size = 80;

enum class Seal { intact, missing, wrong };

/// Compares a file's bytes with its seal. Throws std::runtime_error where the file cannot be read.
Seal verify_seal(const std::string& path, bool through_links = true);

/// Whether the file ends in a seal, right or wrong: a cheap test of being whole.
bool has_seal(const std::string& path);

/// A sealed file's content without its seal, and whether the seal was right.
struct SealedContent {
  std::vector<std::byte> bytes;
  Seal seal = Seal::missing;
};
SealedContent read_sealed(const std::string& path, bool through_links = true);

/// A name beside `path` that no other living process uses, and the removal of those that killed
/// processes of this host left behind. It is short, whatever the length of the names of file and host: libraries keep
/// such names in buffers of their own, and add endings to them.
std::string temporary_name(const std::string& path);
/// The host's name, at most 20 characters: a longer one is cut and ends in a digest.
std::string short_host();
void remove_stale_temporaries(const std::string& path);
bool is_temporary(const std::string& path);

/// What stands at a path at this moment: another file there, or other content, gives another stamp. Links are followed.
struct FileStamp {
  bool there = false;
  std::uint64_t device = 0;
  std::uint64_t file = 0;
  std::int64_t size = 0;
  std::int64_t seconds = 0;  // when its content last changed
  std::int64_t nanoseconds = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp stamp_of(const std::string& path);

/// Writes a new file without a seal, never through a link. Throws std::runtime_error.
void write_file(const std::string& path, std::span<const std::byte> content);

/// Sets disk space aside for a file that will grow to at most `bytes`, as far as the file system can:
/// some libraries cannot be told in the middle of writing that the disk is full. Throws
/// std::runtime_error where there is not so much. `release` gives back what was not used.
void reserve(const std::string& path, std::size_t bytes);
void release(const std::string& path);

/// Replaces `path` by `content` and a seal. Throws std::runtime_error, with the old file untouched
/// and nothing left beside it.
void replace_sealed(const std::string& path, std::span<const std::byte> content);

/// Seals the finished file `temporary` and renames it to `path`. A file that stood there hands down its mode, and owner
/// and group as far as that is allowed. Throws std::runtime_error; the temporary file is then still there.
void seal_and_rename(const std::string& temporary, const std::string& path);

}  // namespace meander
