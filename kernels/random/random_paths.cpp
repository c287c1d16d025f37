// Chooses among the paths by what the processor says of itself, and fills any range of columns by one.
#include "kernels/random/random_paths.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/base/processor.hpp"

namespace meander {

extern const RandomPath random_path_x86_64_v4, random_path_x86_64_v3, random_path_baseline;

std::span<const RandomPath> random_paths() {
  static const auto paths = usable_paths(random_path_x86_64_v4, random_path_x86_64_v3, random_path_baseline);
  return paths;
}

void fill_columns(const RandomPath& path, RandomPath::Fill RandomPath::*kind, BlockAddress address,
                  std::uint32_t first_column, std::size_t columns, void* out) {
  const std::size_t lanes = path.lanes;
  const RandomPath::Fill fill = path.*kind;
  constexpr std::size_t buffer_blocks = 64;
  alignas(64) std::uint32_t buffer[4 * buffer_blocks];
  auto* destination = static_cast<std::uint32_t*>(out);
  std::size_t skip = first_column % 4;
  address.first_block = first_column / 4;
  if (skip == 0) {
    const std::size_t whole = columns / (4 * lanes) * lanes;
    fill(address, whole, destination);
    address.first_block += static_cast<std::uint32_t>(whole);
    destination += 4 * whole;
    columns -= 4 * whole;
  }
  while (columns > 0) {
    const std::size_t now = std::min(columns, 4 * buffer_blocks - skip);
    const std::size_t blocks = (skip + now + 3) / 4;
    fill(address, (blocks + lanes - 1) / lanes * lanes, buffer);
    std::memcpy(destination, buffer + skip, now * sizeof(std::uint32_t));
    address.first_block += static_cast<std::uint32_t>(blocks);
    destination += now;
    columns -= now;
    skip = 0;
  }
}

void fill_rows(const RandomPath& path, BlockAddress address, std::size_t rows, std::uint32_t first_column,
               std::size_t columns, void* out, std::size_t stride) {
  const std::size_t blocks = first_column % 4 == 0 ? columns / (4 * path.lanes) * path.lanes : 0;
  address.first_block = first_column / 4;
  auto* const destination = static_cast<std::uint32_t*>(out);
  path.normals_of_rows(address, blocks, rows, stride, destination);
  if (4 * blocks == columns) return;
  for (std::size_t i = 0; i < rows; ++i, ++address.row) {
    fill_columns(path, &RandomPath::normals, address, first_column + static_cast<std::uint32_t>(4 * blocks),
                 columns - 4 * blocks, destination + i * stride + 4 * blocks);
  }
}

}  // namespace meander
