// Counter-based random numbers by address; the arithmetic is in random_lanes.hpp.
#include "kernels/random/random_stream.hpp"

#include "kernels/random/philox.hpp"
#include "kernels/random/random_paths.hpp"

#include <cstddef>

namespace meander {

namespace {

// Tags that set the derivation of keys apart from each other; purposes are small numbers.
constexpr std::uint32_t realization_tag = 0x6d656e64;
constexpr std::uint32_t salt_tag = 0x73616c74;

StreamKey derive(StreamKey key, std::uint64_t value, std::uint32_t tag) {
  const auto block =
      philox_block({static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32), 0, tag}, key.words);
  return {{block[0], block[1]}};
}

const RandomPath& fastest_path() {
  static const RandomPath& path = random_paths().front();
  return path;
}

}  // namespace

StreamKey stream_key(std::uint64_t seed, std::uint64_t realization, std::uint64_t salt) {
  const StreamKey seed_key{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const StreamKey key = derive(seed_key, realization, realization_tag);
  return salt == 0 ? key : derive(key, salt, salt_tag);
}

void RandomStream::words(std::uint32_t row, std::uint32_t first_column, std::span<std::uint32_t> out) const {
  fill_columns(fastest_path(), &RandomPath::words, {{key_.words[0], key_.words[1]}, 0, row, layer_, purpose_},
               first_column, out.size(), out.data());
}

void RandomStream::normals(std::uint32_t row, std::uint32_t first_column, std::span<float> out) const {
  fill_columns(fastest_path(), &RandomPath::normals, {{key_.words[0], key_.words[1]}, 0, row, layer_, purpose_},
               first_column, out.size(), out.data());
}

void RandomStream::normals(std::uint32_t first_row, std::size_t rows, std::uint32_t first_column, std::size_t columns,
                           float* out, std::size_t stride) const {
  fill_rows(fastest_path(), {{key_.words[0], key_.words[1]}, 0, first_row, layer_, purpose_}, rows, first_column,
            columns, out, stride);
}

void RandomStream::uniforms(std::uint32_t row, std::uint32_t first_column, std::span<float> out) const {
  fill_columns(fastest_path(), &RandomPath::uniforms, {{key_.words[0], key_.words[1]}, 0, row, layer_, purpose_},
               first_column, out.size(), out.data());
}

}  // namespace meander
