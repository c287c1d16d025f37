// Counter-based random numbers: every variate is a pure function of what it is for, never of the
// order, rank or block in which it is drawn.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace meander {

/// What a variate is used for; part of its address in the stream.
enum class Purpose : std::uint32_t {
  weights = 1,
  biases = 2,
  curve = 3,
  points = 4,
  readout = 5,
  dropout = 6,
  perturbation = 7
};

/// The two key words of Philox4x32-10, derived from (seed, realization, salt). `salt` is zero for
/// `coupling = "common"` and a hash of the point's parameters for `coupling = "independent"`.
struct StreamKey {
  std::array<std::uint32_t, 2> words{};
  friend bool operator==(const StreamKey&, const StreamKey&) = default;
};

[[nodiscard]] StreamKey stream_key(std::uint64_t seed, std::uint64_t realization, std::uint64_t salt = 0);

/// The variates of one purpose and one layer, addressed by (row, column).
///
/// Philox4x32-10 (Salmon et al. 2011) is evaluated at counter
/// {column / 4, row, layer, purpose | substream << 16}; its four words give columns
/// 4k .. 4k+3. A block's words (w0, w1) give columns 4k, 4k+1 by Box-Muller and (w2, w3) give
/// columns 4k+2, 4k+3. All arithmetic is single precision without fused multiply-add, so that
/// every processor and every instruction set gives the same bits.
class RandomStream {
 public:
  RandomStream(StreamKey key, Purpose purpose, std::uint32_t layer, std::uint32_t substream = 0)
      : key_(key), purpose_(static_cast<std::uint32_t>(purpose) | substream << 16), layer_(layer) {}

  /// The raw words of columns first_column .. first_column + out.size() - 1 (one word a column).
  void words(std::uint32_t row, std::uint32_t first_column, std::span<std::uint32_t> out) const;
  /// Standard normals.
  void normals(std::uint32_t row, std::uint32_t first_column, std::span<float> out) const;
  /// Those of `rows` rows from first_row on, of the same `columns`: row i at out + i stride. Faster than one by one
  /// where rows are short, first_column is a multiple of 4 and there are 64 columns or a multiple.
  void normals(std::uint32_t first_row, std::size_t rows, std::uint32_t first_column, std::size_t columns, float* out,
               std::size_t stride) const;
  /// Uniforms in the open interval (0, 1).
  void uniforms(std::uint32_t row, std::uint32_t first_column, std::span<float> out) const;

 private:
  StreamKey key_;
  std::uint32_t purpose_;
  std::uint32_t layer_;
};

}  // namespace meander
