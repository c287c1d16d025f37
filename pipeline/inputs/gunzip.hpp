// Gzip files, whose size is only known when all of it has come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace meander {

/// How many bytes may come out of a gzip file, and why no more.
struct GunzipLimit {
  std::uint64_t bytes = 0;
  std::string reason;
};

/// The content of a gzip file, of one member or of several, zeros behind them left away as gzip does; anything else is
/// returned as it is. `limit` sees the first bytes that come out (16, or all if there are fewer). Throws BadInput,
/// `name` in the message, where the compressed data are damaged or truncated, something else than zeros stands behind
/// them, or more comes out than that (or than half of the machine's memory).
std::vector<std::byte> gunzip(std::span<const std::byte> file, const std::string& name,
                              const std::function<GunzipLimit(std::span<const std::byte> begin)>& limit);

}  // namespace meander
