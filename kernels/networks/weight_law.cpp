// The standardised variates (mean 0, variance 1) of every weight law with independent entries.
#include "kernels/networks/network.hpp"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <stdexcept>
#include <vector>

namespace meander {

namespace {

/// (-sqrt 3, sqrt 3), one word a column.
void draw_uniform(const RandomStream& stream, std::uint32_t row, std::uint32_t first, std::span<float> out) {
  constexpr float square_root_3 = 0x1.bb67aep+0f;
  stream.uniforms(row, first, out);
  for (float& value : out) value = (2.0f * value - 1.0f) * square_root_3;
}

/// +1 or -1 by the top bit, one word a column.
void draw_rademacher(const RandomStream& stream, std::uint32_t row, std::uint32_t first, std::span<float> out) {
  std::vector<std::uint32_t> words(out.size());
  stream.words(row, first, words);
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = (words[k] >> 31) != 0 ? -1.0f : 1.0f;
}

/// Bailey's polar method (Math. Comp. 62 (1994) 779): sqrt(nu (U^(-2/nu) - 1)) cos(2 pi V) has
/// Student's distribution with nu degrees of freedom; its partner with the sine is not independent,
/// so column k takes words 2k and 2k + 1 for itself. U = (word + 1/2) / 2^32, V = word / 2^32.
float student_t(std::uint32_t radius_word, std::uint32_t angle_word, double nu) {
  const double u = (static_cast<double>(radius_word) + 0.5) * 0x1p-32;
  const double angle = static_cast<double>(static_cast<std::int32_t>(angle_word)) * 0x1p-31 * std::numbers::pi;
  const double squared = (nu - 2.0) * std::expm1(-2.0 / nu * std::log(u));
  return static_cast<float>(std::sqrt(squared) * std::cos(angle));
}

void draw_student_t(const RandomStream& stream, std::uint32_t row, std::uint32_t first, double nu,
                    std::span<float> out) {
  std::vector<std::uint32_t> words(2 * out.size());
  stream.words(row, 2 * first, words);
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = student_t(words[2 * k], words[2 * k + 1], nu);
}

/// A normal over sqrt(density) where substream 1 says so, else 0.
void draw_sparse(const RandomStream& stream, const RandomStream& mask_stream, std::uint32_t row, std::uint32_t first,
                 double density, std::span<float> out) {
  stream.normals(row, first, out);
  std::vector<std::uint32_t> mask(out.size());
  mask_stream.words(row, first, mask);
  const auto threshold = static_cast<std::uint64_t>(std::llround(density * 0x1p32));
  const double scale = 1.0 / std::sqrt(density);
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] = mask[k] < threshold ? static_cast<float>(static_cast<double>(out[k]) * scale) : 0.0f;
  }
}

}  // namespace

void draw_columns(const WeightLaw& law, StreamKey key, Purpose purpose, std::uint32_t layer, std::uint32_t row,
                  std::uint32_t first_column, std::span<float> out) {
  const RandomStream stream(key, purpose, layer);
  switch (law.kind) {
    case WeightLaw::Kind::gaussian:
      return stream.normals(row, first_column, out);
    case WeightLaw::Kind::uniform:
      return draw_uniform(stream, row, first_column, out);
    case WeightLaw::Kind::rademacher:
      return draw_rademacher(stream, row, first_column, out);
    case WeightLaw::Kind::student_t:
      return draw_student_t(stream, row, first_column, law.parameter, out);
    case WeightLaw::Kind::sparse:
      return draw_sparse(stream, RandomStream(key, purpose, layer, 1), row, first_column, law.parameter, out);
    case WeightLaw::Kind::orthogonal:
      break;
  }
  throw std::invalid_argument(
      "a row of an orthogonal matrix cannot be drawn alone (its rows are not independent), draw the whole matrix");
}

void draw_row(const WeightLaw& law, StreamKey key, Purpose purpose, std::uint32_t layer, std::uint32_t row,
              std::span<float> out) {
  draw_columns(law, key, purpose, layer, row, 0, out);
}

}  // namespace meander
