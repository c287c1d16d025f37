// Files that are either whole or not there: written beside their place, closed with a line that
// holds the SHA-256 of everything before it, synced and renamed.
#pragma once

#include <cstddef>
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
Seal verify_seal(const std::string& path);

/// Whether the file ends in a seal, right or wrong: a cheap test of being whole.
bool has_seal(const std::string& path);

/// A sealed file's content without its seal, and whether the seal was right.
struct SealedContent {
  std::vector<std::byte> bytes;
  Seal seal = Seal::missing;
};
SealedContent read_sealed(const std::string& path);

/// A name beside `path` that no other living process uses, and the removal of those that killed
/// processes of this host left behind.
std::string temporary_name(const std::string& path);
void remove_stale_temporaries(const std::string& path);
bool is_temporary(const std::string& path);

/// Writes a new file without a seal. Throws std::runtime_error.
void write_file(const std::string& path, std::span<const std::byte> content);

/// Sets disk space aside for a file that will grow to at most `bytes`, as far as the file system can:
/// some libraries cannot be told in the middle of writing that the disk is full. Throws
/// std::runtime_error where there is not so much. `release` gives back what was not used.
void reserve(const std::string& path, std::size_t bytes);
void release(const std::string& path);

/// Replaces `path` by `content` and a seal. Throws std::runtime_error, with the old file untouched
/// and nothing left beside it.
void replace_sealed(const std::string& path, std::span<const std::byte> content);

/// Seals the finished file `temporary` and renames it to `path`. Throws std::runtime_error; the
/// temporary file is then still there.
void seal_and_rename(const std::string& temporary, const std::string& path);

}  // namespace meander
