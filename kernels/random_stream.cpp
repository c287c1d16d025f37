// Counter-based random numbers, evaluated many blocks at a time in loops that compilers vectorise.
#include "kernels/random_stream.hpp"

#include "kernels/box_muller.hpp"
#include "kernels/philox.hpp"

#include <algorithm>
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

constexpr std::size_t chunk_blocks = 64;
constexpr std::size_t lanes = 16;

/// The words of up to chunk_blocks consecutive blocks, word by word.
struct WordChunk {
  alignas(64) std::uint32_t word[4][chunk_blocks];
};

struct BlockAddress {
  StreamKey key;
  std::uint32_t first_block;
  std::uint32_t row;
  std::uint32_t layer;
  std::uint32_t purpose;
};

/// Fills `blocks` (a multiple of lanes) blocks of the chunk.
void fill_words(const BlockAddress& address, std::size_t blocks, WordChunk& chunk) {
  const auto [key, first_block, row, layer, purpose] = address;
  for (std::size_t start = 0; start < blocks; start += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const std::size_t j = start + lane;
      const auto block = philox_block({first_block + static_cast<std::uint32_t>(j), row, layer, purpose}, key.words);
      chunk.word[0][j] = block[0];
      chunk.word[1][j] = block[1];
      chunk.word[2][j] = block[2];
      chunk.word[3][j] = block[3];
    }
  }
}

void interleave_words(const WordChunk& chunk, std::size_t blocks, std::uint32_t* out) {
  for (std::size_t j = 0; j < blocks; ++j) {
    for (std::size_t k = 0; k < 4; ++k) out[4 * j + k] = chunk.word[k][j];
  }
}

void interleave_normals(const WordChunk& chunk, std::size_t blocks, float* out) {
  for (std::size_t j = 0; j < blocks; ++j) {
    const NormalPair low = box_muller(chunk.word[0][j], chunk.word[1][j]);
    const NormalPair high = box_muller(chunk.word[2][j], chunk.word[3][j]);
    out[4 * j] = low.first;
    out[4 * j + 1] = low.second;
    out[4 * j + 2] = high.first;
    out[4 * j + 3] = high.second;
  }
}

void interleave_uniforms(const WordChunk& chunk, std::size_t blocks, float* out) {
  for (std::size_t j = 0; j < blocks; ++j) {
    // Odd multiples of 2^-24: exact, never 0 or 1, and symmetric about 1/2.
    for (std::size_t k = 0; k < 4; ++k) {
      out[4 * j + k] = (static_cast<float>(static_cast<std::int32_t>(chunk.word[k][j] >> 9)) + 0.5f) * 0x1p-23f;
    }
  }
}

/// Variates of columns first_column .. first_column + out.size() - 1: whole blocks are transformed by
/// `transform(chunk, blocks, destination)`, and what lies outside the range is dropped.
template <typename Value, typename Transform>
void fill_columns(BlockAddress address, std::uint32_t first_column, std::span<Value> out, Transform transform) {
  alignas(64) Value values[4 * chunk_blocks];
  WordChunk chunk;
  std::size_t skip = first_column % 4;
  address.first_block = first_column / 4;
  for (std::size_t done = 0; done < out.size();) {
    const std::size_t columns = std::min(out.size() - done, 4 * chunk_blocks - skip);
    const std::size_t blocks = (skip + columns + 3) / 4;
    const std::size_t padded = (blocks + lanes - 1) / lanes * lanes;
    fill_words(address, padded, chunk);
    transform(chunk, padded, values);
    std::copy_n(values + skip, columns, out.data() + done);
    done += columns;
    address.first_block += static_cast<std::uint32_t>(blocks);
    skip = 0;
  }
}

}  // namespace

StreamKey stream_key(std::uint64_t seed, std::uint64_t realization, std::uint64_t salt) {
  const StreamKey seed_key{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const StreamKey key = derive(seed_key, realization, realization_tag);
  return salt == 0 ? key : derive(key, salt, salt_tag);
}

void RandomStream::words(std::uint32_t row, std::uint32_t first_column, std::span<std::uint32_t> out) const {
  fill_columns({key_, 0, row, layer_, purpose_}, first_column, out, interleave_words);
}

void RandomStream::normals(std::uint32_t row, std::uint32_t first_column, std::span<float> out) const {
  fill_columns({key_, 0, row, layer_, purpose_}, first_column, out, interleave_normals);
}

void RandomStream::uniforms(std::uint32_t row, std::uint32_t first_column, std::span<float> out) const {
  fill_columns({key_, 0, row, layer_, purpose_}, first_column, out, interleave_uniforms);
}

}  // namespace meander
