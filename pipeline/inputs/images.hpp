// Image data sets: IDX (MNIST) and CIFAR-10 binary, gzip-compressed or not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace meander {

struct Images {
  std::size_t count = 0;
  std::size_t dimension = 0;         // pixels times channels
  std::vector<std::uint8_t> pixels;  // row-major (count, dimension)
  std::vector<std::uint8_t> labels;  // (count), or empty where the file has none

  /// Image i as numbers in [0, 1] (byte / 255).
  std::vector<double> point(std::size_t i) const;
};

/// IDX images (magic 0x00000803) or CIFAR-10 binary records (1 + 3072 bytes), told apart by content.
/// Throws BadInput (`name` in the message) where the file is truncated, its header lies about its
/// size, or it is neither.
Images read_images(std::span<const std::byte> file, const std::string& name);

/// IDX labels (magic 0x00000801).
std::vector<std::uint8_t> read_labels(std::span<const std::byte> file, const std::string& name);

}  // namespace meander
