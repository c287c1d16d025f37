// Readers of IDX and CIFAR-10 binary files that trust no header: every size is checked against the
// bytes that are there.
#include "pipeline/inputs/images.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "pipeline/inputs/gunzip.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

constexpr std::uint32_t idx_images = 0x00000803;
constexpr std::uint32_t idx_labels = 0x00000801;
/// As of [input] dimension.
constexpr std::size_t largest_dimension = 1 << 24;
constexpr std::size_t cifar_pixels = 3072;
constexpr std::size_t cifar_record = 1 + cifar_pixels;

/// The big-endian word at `offset`, or nothing where the file ends before it does.
std::optional<std::uint32_t> word(std::span<const std::byte> file, std::size_t offset) {
  if (file.size() < offset + 4) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(file[offset + i]);
  return value;
}

bool is_cifar(std::span<const std::byte> file) {
  if (file.empty() || file.size() % cifar_record != 0) return false;
  for (std::size_t at = 0; at < file.size(); at += cifar_record) {
    if (std::to_integer<int>(file[at]) > 9) return false;
  }
  return true;
}

void copy_bytes(std::span<const std::byte> from, std::vector<std::uint8_t>& to) {
  std::transform(from.begin(), from.end(), std::back_inserter(to), std::to_integer<std::uint8_t>);
}

Images cifar_images(std::span<const std::byte> file) {
  Images images;
  images.count = file.size() / cifar_record;
  images.dimension = cifar_pixels;
  images.pixels.reserve(images.count * cifar_pixels);
  images.labels.reserve(images.count);
  for (std::size_t at = 0; at < file.size(); at += cifar_record) {
    images.labels.push_back(std::to_integer<std::uint8_t>(file[at]));
    copy_bytes(file.subspan(at + 1, cifar_pixels), images.pixels);
  }
  return images;
}

/// The number of bytes that an IDX header of `sizes` announces, or nothing where it does not fit in
/// 64 bits.
std::optional<std::uint64_t> announced(std::span<const std::uint32_t> sizes) {
  std::uint64_t product = 1;
  for (const std::uint32_t size : sizes) {
    if (size != 0 && product > std::numeric_limits<std::uint64_t>::max() / size) return std::nullopt;
    product *= size;
  }
  return product;
}

/// Reads an IDX header of `sizes.size()` dimensions and checks it against the file's size. Returns
/// the body.
std::span<const std::byte> idx_body(std::span<const std::byte> file, const std::string& name,
                                    std::span<std::uint32_t> sizes) {
  const std::size_t header = 4 + 4 * sizes.size();
  if (file.size() < header) {
    throw BadInput(fmt::format("{}: truncated IDX file (its header takes {} bytes, the file has {}); copy it again",
                               name, header, file.size()));
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = *word(file, 4 + 4 * i);
  const auto expected = announced(sizes);
  const std::size_t have = file.size() - header;
  const std::string shape = fmt::format("{}", fmt::join(sizes.begin(), sizes.end(), " x "));
  if (!expected) {
    throw BadInput(
        fmt::format("{}: the IDX header lies about its size ({} bytes do not exist on any machine, {} follow the "
                    "header); copy the file again",
                    name, shape, have));
  }
  if (*expected == 0) {
    throw BadInput(fmt::format("{}: the IDX file is empty (its header says {}); name a file with data", name, shape));
  }
  if (have < *expected) {
    throw BadInput(
        fmt::format("{}: truncated IDX file, or a header that lies about its size (it says {} = {} bytes, {} "
                    "follow it); copy it again",
                    name, shape, *expected, have));
  }
  if (have > *expected) {
    throw BadInput(
        fmt::format("{}: the IDX header lies about its size (it says {} = {} bytes, {} follow it); copy the file "
                    "again",
                    name, shape, *expected, have));
  }
  return file.subspan(header);
}

bool idx_size_agrees(std::span<const std::byte> file) {
  if (file.size() < 16) return false;
  const std::array<std::uint32_t, 3> sizes{*word(file, 4), *word(file, 8), *word(file, 12)};
  return announced(sizes) == file.size() - 16;
}

[[noreturn]] void refuse_images(std::span<const std::byte> file, const std::string& name) {
  const auto magic = word(file, 0);
  if (!magic) {
    throw BadInput(
        fmt::format("{}: not a data set (the file has {} bytes, not even a header); name an IDX image file or a "
                    "CIFAR-10 binary file",
                    name, file.size()));
  }
  if (*magic == idx_labels) {
    throw BadInput(
        fmt::format("{}: holds labels, not images (IDX magic 0x{:08x}, images have 0x{:08x}); name the image file "
                    "here and this one as [input] labels",
                    name, *magic, idx_images));
  }
  throw BadInput(fmt::format(
      "{}: neither IDX images nor CIFAR-10 binary (the file begins with 0x{:08x}, IDX images with 0x{:08x}; {} bytes "
      "are "
      "{} CIFAR-10 records of {} bytes with labels 0 to 9); name an IDX image file or a CIFAR-10 binary file",
      name, *magic, idx_images, file.size(),
      file.size() % cifar_record == 0 ? "a whole number of records but not" : "not whole", cifar_record));
}

/// Of data to what they are compressed to, where no header says how many there are; flat colours reach it in small
/// files, which may be so large anyway.
constexpr std::uint64_t likely_ratio = 100;
constexpr std::uint64_t small_enough = std::uint64_t{64} << 20;
/// Deflate makes at most this many bytes of one.
constexpr std::uint64_t largest_ratio = 1032;

/// How much may come of `compressed` bytes that begin with `begin`: what an IDX header of `dimensions` behind `magic`
/// says, or, where there is none that can be true, what is likely.
GunzipLimit limit_of(std::span<const std::byte> begin, std::size_t compressed, std::uint32_t magic,
                     std::size_t dimensions) {
  std::vector<std::uint32_t> sizes;
  for (std::size_t i = 0; i < dimensions; ++i) sizes.push_back(word(begin, 4 + 4 * i).value_or(0));
  const auto expected = announced(sizes);
  if (word(begin, 0) == magic && expected && *expected > 0 && *expected / largest_ratio <= compressed) {
    return {
        4 + 4 * dimensions + *expected,
        fmt::format("its IDX header says {}, it lies about its size; copy the file again", fmt::join(sizes, " x "))};
  }
  return {std::max(small_enough, likely_ratio * compressed),
          fmt::format("{} times what went in; unpack it with gunzip if it is a data set", likely_ratio)};
}

}  // namespace

std::vector<double> Images::point(std::size_t i) const {
  std::vector<double> x(dimension);
  std::transform(pixels.begin() + static_cast<std::ptrdiff_t>(i * dimension),
                 pixels.begin() + static_cast<std::ptrdiff_t>((i + 1) * dimension), x.begin(),
                 [](std::uint8_t byte) { return byte / 255.0; });
  return x;
}

Images read_images(std::span<const std::byte> file, const std::string& name) {
  const std::vector<std::byte> content =
      gunzip(file, name, [&](auto begin) { return limit_of(begin, file.size(), idx_images, 3); });
  const std::span<const std::byte> bytes(content);
  const bool has_magic = word(bytes, 0) == idx_images;
  // A CIFAR-10 file may begin with the very bytes of the magic; then its size decides.
  if (is_cifar(bytes) && !(has_magic && idx_size_agrees(bytes))) return cifar_images(bytes);
  if (!has_magic) refuse_images(bytes, name);
  std::array<std::uint32_t, 3> sizes{};
  const auto body = idx_body(bytes, name, sizes);
  Images images;
  images.count = sizes[0];
  images.dimension = std::size_t{sizes[1]} * sizes[2];
  if (images.dimension > largest_dimension) {
    throw BadInput(fmt::format("{}: images of {} x {} pixels (at most {} in all are measured) name another file", name,
                               sizes[1], sizes[2], largest_dimension));
  }
  images.pixels.reserve(body.size());
  copy_bytes(body, images.pixels);
  return images;
}

std::vector<std::uint8_t> read_labels(std::span<const std::byte> file, const std::string& name) {
  const std::vector<std::byte> content =
      gunzip(file, name, [&](auto begin) { return limit_of(begin, file.size(), idx_labels, 1); });
  const auto magic = word(content, 0);
  if (magic != idx_labels) {
    throw BadInput(fmt::format("{}: not IDX labels ({}, labels begin with 0x{:08x}); name an IDX label file", name,
                               magic ? fmt::format("the file begins with 0x{:08x}", *magic)
                                     : fmt::format("the file has {} bytes", content.size()),
                               idx_labels));
  }
  std::array<std::uint32_t, 1> sizes{};
  std::vector<std::uint8_t> labels;
  copy_bytes(idx_body(content, name, sizes), labels);
  return labels;
}

}  // namespace meander
