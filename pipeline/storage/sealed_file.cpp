#include "pipeline/storage/sealed_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace meander {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_size = std::size_t{1} << 20;
constexpr std::string_view temporary_mark = ".tmp-";

// Longer names of files and hosts are cut in temporary names, and a digest stands for the rest.
constexpr std::size_t most_of_name = 40;
constexpr std::size_t most_of_host = 20;
constexpr std::size_t digest_characters = 8;

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error(what + " (" + std::generic_category().message(error) + ")");
}

class Descriptor {
 public:
  // Without O_NONBLOCK a named pipe would keep the program waiting.
  Descriptor(const std::string& path, int flags)
      : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0666)) {
    if (fd_ < 0) fail("cannot open '" + path + "'", errno);
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("cannot write '" + path_ + "'", errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  std::size_t read(std::span<std::byte> bytes) {
    while (true) {
      const ssize_t got = ::read(fd_, bytes.data(), bytes.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("cannot read '" + path_ + "'", errno);
      return static_cast<std::size_t>(got);
    }
  }

  std::size_t size() const {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) fail("cannot read '" + path_ + "'", errno);
    if (!S_ISREG(status.st_mode)) throw std::runtime_error("cannot read '" + path_ + "' (it is not a regular file)");
    return static_cast<std::size_t>(status.st_size);
  }

  void to(std::size_t position) {
    if (::lseek(fd_, static_cast<off_t>(position), SEEK_SET) < 0) fail("cannot move in '" + path_ + "'", errno);
  }

  // Beyond the end, so that the file looks no larger. Not every file system knows how.
  void reserve(std::size_t bytes, const std::string& otherwise) {
    if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0) return;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) fail(otherwise, errno);
  }

  // As the file at `path` has them, where there is one. Where its group may not be given, the new one's may do no more
  // than everybody.
  void take_over_access(const std::string& path) {
    struct stat old {};
    struct stat own {};
    if (::stat(path.c_str(), &old) != 0 || ::fstat(fd_, &own) != 0 || !S_ISREG(old.st_mode)) return;
    mode_t mode = old.st_mode & 0777U;
    if (old.st_uid != own.st_uid && ::fchown(fd_, old.st_uid, old.st_gid) == 0) own.st_gid = old.st_gid;
    if (old.st_gid != own.st_gid && ::fchown(fd_, static_cast<uid_t>(-1), old.st_gid) != 0) {
      mode = (mode & ~070U) | (mode & (mode << 3U) & 070U);
    }
    if (::fchmod(fd_, mode) != 0) fail("cannot set the mode of '" + path_ + "'", errno);
  }

  void cut(std::size_t size) {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) fail("cannot write '" + path_ + "'", errno);
  }

  void close_synced() {
    if (::fsync(fd_) != 0) fail("cannot write '" + path_ + "'", errno);
    if (::close(std::exchange(fd_, -1)) != 0) fail("cannot write '" + path_ + "'", errno);
  }

 private:
  std::string path_;
  int fd_;
};

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string seal_line(const std::string& hex) {
  return seal_prefix + hex + "\n";
}

Seal compare(const std::string& line, const std::string& hex) {
  if (line.size() != seal_size || !line.starts_with(seal_prefix) || line.back() != '\n') return Seal::missing;
  return line == seal_line(hex) ? Seal::intact : Seal::wrong;
}

std::string shortened(const std::string& name, std::size_t most) {
  if (name.size() <= most) return name;
  RunningSha256 digest;
  digest.add(as_bytes(name));
  std::size_t kept = most - digest_characters - 1;
  while (kept > 0 && (static_cast<unsigned char>(name[kept]) & 0xC0U) == 0x80U) --kept;  // no character in halves
  return name.substr(0, kept) + "~" + digest.hex().substr(0, digest_characters);
}

// What temporary names of `path` begin with, up to the process.
std::string temporary_prefix(const std::string& path) {
  return shortened(fs::path(path).filename().string(), most_of_name) + std::string(temporary_mark) + short_host() + "-";
}

// A file that was not there: neither a link nor what another process has put in its place is written to. A process
// that was killed may have left one under this process's number.
Descriptor created(const std::string& path) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) ::unlink(path.c_str());
  return {path, flags};
}

std::string folder_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// Some file systems know no fsync of a folder; the rename itself has then happened all the same.
void sync_folder(const std::string& path) {
  const int fd = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

void rename_synced(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail("cannot write '" + to + "'", errno);
  sync_folder(to);
}

}  // namespace

struct RunningSha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

RunningSha256::RunningSha256() : impl_(std::make_unique<Impl>()) {
  if (impl_->context == nullptr || EVP_DigestInit_ex(impl_->context, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not available (libcrypto refuses it)");
  }
}

RunningSha256::~RunningSha256() {
  EVP_MD_CTX_free(impl_->context);
}

void RunningSha256::add(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size());
}

std::string RunningSha256::hex() {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(impl_->context, raw, &size);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += "0123456789abcdef"[raw[i] >> 4];
    text += "0123456789abcdef"[raw[i] & 15];
  }
  return text;
}

Seal verify_seal(const std::string& path, bool through_links) {
  Descriptor file(path, O_RDONLY | (through_links ? 0 : O_NOFOLLOW));
  const std::size_t size = file.size();
  if (size < seal_size) return Seal::missing;
  RunningSha256 digest;
  std::vector<std::byte> piece(piece_size);
  std::size_t left = size - seal_size;
  while (left > 0) {
    const std::size_t got = file.read(std::span(piece).first(std::min(left, piece_size)));
    if (got == 0) return Seal::missing;
    digest.add(std::span(piece).first(got));
    left -= got;
  }
  std::string line(seal_size + 1, '\0');
  std::size_t filled = 0;
  while (filled < line.size()) {
    const std::size_t got = file.read(std::as_writable_bytes(std::span(line.data() + filled, line.size() - filled)));
    if (got == 0) break;
    filled += got;
  }
  line.resize(filled);
  return compare(line, digest.hex());
}

bool has_seal(const std::string& path) {
  Descriptor file(path, O_RDONLY);
  const std::size_t size = file.size();
  if (size < seal_size) return false;
  file.to(size - seal_size);
  std::string line(seal_size, '\0');
  if (file.read(std::as_writable_bytes(std::span(line.data(), line.size()))) != seal_size) return false;
  return compare(line, "") != Seal::missing;
}

SealedContent read_sealed(const std::string& path, bool through_links) {
  Descriptor file(path, O_RDONLY | (through_links ? 0 : O_NOFOLLOW));
  SealedContent content;
  content.bytes.resize(file.size());
  std::size_t filled = 0;
  while (filled < content.bytes.size()) {
    const std::size_t got = file.read(std::span(content.bytes).subspan(filled));
    if (got == 0) break;
    filled += got;
  }
  content.bytes.resize(filled);
  if (filled < seal_size) return content;
  const std::size_t body = filled - seal_size;
  const std::string line(reinterpret_cast<const char*>(content.bytes.data()) + body, seal_size);
  content.bytes.resize(body);
  RunningSha256 digest;
  digest.add(content.bytes);
  content.seal = compare(line, digest.hex());
  return content;
}

std::string short_host() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return shortened(name, most_of_host);
}

std::string temporary_name(const std::string& path) {
  return path.substr(0, path.size() - fs::path(path).filename().string().size()) + temporary_prefix(path) +
         std::to_string(::getpid());
}

bool is_temporary(const std::string& path) {
  return path.find(temporary_mark) != std::string::npos;
}

void remove_stale_temporaries(const std::string& path) {
  const std::string prefix = temporary_prefix(path);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_of(path), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), pid);
    // MPI-IO keeps files of its own beside the one it writes: the same name and an ending.
    if (error != std::errc() || (end != name.data() + name.size() && *end != '.')) continue;
    if (::kill(pid, 0) != 0 && errno == ESRCH) fs::remove(entry.path(), ignored);
  }
}

void write_file(const std::string& path, std::span<const std::byte> content) {
  Descriptor file = created(path);
  file.write(content);
  file.close_synced();
}

FileStamp stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {true, status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

void reserve(const std::string& path, std::size_t bytes) {
  const std::string room = "no space: " + std::to_string(bytes / 1000000 + 1) + " MB are needed";
  struct statvfs disk {};
  if (::statvfs(path.c_str(), &disk) == 0 && disk.f_frsize > 0 && disk.f_bavail < bytes / disk.f_frsize) {
    throw std::runtime_error(room + ", " + std::to_string(disk.f_bavail * disk.f_frsize / 1000000) + " MB are free");
  }
  Descriptor(path, O_WRONLY | O_NOFOLLOW).reserve(bytes, room);
}

void release(const std::string& path) {
  Descriptor file(path, O_WRONLY | O_NOFOLLOW);
  file.cut(file.size());
}

void replace_sealed(const std::string& path, std::span<const std::byte> content) {
  RunningSha256 digest;
  digest.add(content);
  const std::string temporary = temporary_name(path);
  try {
    Descriptor file = created(temporary);
    file.write(content);
    file.write(as_bytes(seal_line(digest.hex())));
    file.close_synced();
    rename_synced(temporary, path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void seal_and_rename(const std::string& temporary, const std::string& path) {
  RunningSha256 digest;
  Descriptor file(temporary, O_RDWR | O_NOFOLLOW);
  std::vector<std::byte> piece(piece_size);
  while (const std::size_t got = file.read(piece)) digest.add(std::span(piece).first(got));
  file.write(as_bytes(seal_line(digest.hex())));
  file.take_over_access(path);
  file.close_synced();
  rename_synced(temporary, path);
}

}  // namespace meander
