// The instruction sets for which the random stream is compiled, for the stream and its tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace meander {

/// Blocks of four columns from 4 first_block on, in one row.
struct BlockAddress {
  std::uint32_t key[2];
  std::uint32_t first_block;
  std::uint32_t row;
  std::uint32_t layer;
  std::uint32_t purpose;
};

/// One way through the same arithmetic. Each function writes 4 `blocks` values of 32 bits (words, or the
/// bits of single-precision numbers), where `blocks` is a multiple of `lanes`; `out` needs no alignment.
struct RandomPath {
  using Fill = void (*)(const BlockAddress& address, std::size_t blocks, std::uint32_t* out);
  const char* name;
  std::size_t lanes;
  Fill words, normals, uniforms;
  /// The same blocks of `rows` rows from the address's on, row i at out + i stride: for rows too short to keep the
  /// processor busy one by one.
  void (*normals_of_rows)(const BlockAddress& address, std::size_t blocks, std::size_t rows, std::size_t stride,
                          std::uint32_t* out);
};

/// The paths that this processor can take, the fastest first.
std::span<const RandomPath> random_paths();

/// The values (`kind` of them) of columns first_column .. first_column + columns - 1 of the address's row, 32
/// bits each, by `path`. Whole groups of blocks go straight to `out`; what does not begin or end with a group
/// goes through a buffer.
void fill_columns(const RandomPath& path, RandomPath::Fill RandomPath::*kind, BlockAddress address,
                  std::uint32_t first_column, std::size_t columns, void* out);
/// The normals of such columns of `rows` rows from the address's on, row i at out + i stride.
void fill_rows(const RandomPath& path, BlockAddress address, std::size_t rows, std::uint32_t first_column,
               std::size_t columns, void* out, std::size_t stride);

}  // namespace meander
