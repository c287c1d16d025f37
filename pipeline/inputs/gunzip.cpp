#include "pipeline/inputs/gunzip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <optional>

#include "pipeline/machine/memory.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

/// Bytes that say what a file is and how large.
constexpr std::size_t begin_bytes = 16;

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

[[noreturn]] void refuse(const std::string& name, const char* how, const std::string& reason) {
  throw BadInput(fmt::format("{}: {} gzip file ({}); copy it again", name, how, reason));
}

bool is_gzip(std::span<const std::byte> file) {
  return file.size() >= 2 && file[0] == std::byte{0x1f} && file[1] == std::byte{0x8b};
}

/// What has come out so far, and how much may.
class Content {
 public:
  Content(const std::string& name, const std::function<GunzipLimit(std::span<const std::byte>)>& limit)
      : name_(name), limit_of_(limit) {}

  void add(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    if (bytes_.size() >= begin_bytes) check();
  }
  std::vector<std::byte> take() {
    check();
    return std::move(bytes_);
  }

 private:
  void check() {
    if (!limit_) {
      limit_ = limit_of_(std::span(bytes_).first(std::min(begin_bytes, bytes_.size())));
      const auto memory = static_cast<std::uint64_t>(machine_memory() / 2);
      if (limit_->bytes > memory) limit_ = GunzipLimit{memory, "half of the memory; take a larger machine"};
    }
    if (bytes_.size() <= limit_->bytes) return;
    throw BadInput(
        fmt::format("{}: more than {} bytes come out of the gzip file ({})", name_, limit_->bytes, limit_->reason));
  }

  const std::string& name_;
  const std::function<GunzipLimit(std::span<const std::byte>)>& limit_of_;
  std::optional<GunzipLimit> limit_;
  std::vector<std::byte> bytes_;
};

/// Inflates the member that begins at `from` and gives the place behind it.
std::size_t inflate_member(z_stream& stream, std::span<const std::byte> file, std::size_t from, const std::string& name,
                           Content& content) {
  if (inflateReset(&stream) != Z_OK) throw std::bad_alloc();
  std::array<std::byte, 1 << 16> buffer;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    const std::size_t chunk = std::min<std::size_t>(file.size() - from, 1U << 30);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(file.data() + from));
    stream.avail_in = static_cast<uInt>(chunk);
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    state = inflate(&stream, Z_NO_FLUSH);
    from += chunk - stream.avail_in;
    content.add(std::span(buffer).first(buffer.size() - stream.avail_out));
    if (state == Z_BUF_ERROR) refuse(name, "truncated", "the compressed data ends early");
    if (state != Z_OK && state != Z_STREAM_END) refuse(name, "damaged", stream.msg ? stream.msg : zError(state));
  }
  return from;
}

}  // namespace

std::vector<std::byte> gunzip(std::span<const std::byte> file, const std::string& name,
                              const std::function<GunzipLimit(std::span<const std::byte> begin)>& limit) {
  if (!is_gzip(file)) return {file.begin(), file.end()};
  z_stream stream{};
  constexpr int gzip_only = 15 + 16;
  if (inflateInit2(&stream, gzip_only) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, InflateEnd> guard(&stream);
  Content content(name, limit);
  std::size_t at = 0;
  while (is_gzip(file.subspan(at))) at = inflate_member(stream, file, at, name, content);
  const auto rest = file.subspan(at);
  if (std::any_of(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{0}; })) {
    refuse(name, "damaged", fmt::format("{} bytes of something else stand behind the compressed data", rest.size()));
  }
  return content.take();
}

}  // namespace meander
