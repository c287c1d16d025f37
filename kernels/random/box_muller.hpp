// Standard normals from pairs of 32-bit words by Box and Muller's method, in single precision and
// with additions, multiplications, one square root and integer operations only, so that every
// processor gives the same bits.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace meander {

/// -2 ln u with u = (word + 1/2) / 2^32, accurate relatively also where u is near 1.
/// ln u = e ln 2 + ln(1 + f) with f in [sqrt(1/2) - 1, sqrt(2) - 1]. From u = 1/2 upwards f is formed
/// from the integer distance to 1 or to 1/2, which is exact where the rounded u is not.
/// ln(1 + f) = f - f^2/2 + f^3 P(f); P is a minimax fit with relative error 6e-9.
inline float minus_two_log(std::uint32_t word) {
  constexpr std::uint32_t half = 0x80000000;
  constexpr std::uint32_t square_root_half = 0xB504F334;  // 2^32 sqrt(1/2)
  const bool near_one = word >= square_root_half;
  const bool above_half = word >= half;
  const float distance = static_cast<float>(near_one ? ~word : word - half) + 0.5f;
  const float from_integer = distance * (near_one ? -0x1p-32f : 0x1p-31f);
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(word) + 0.5f);
  const std::int32_t exponent = static_cast<std::int32_t>(bits - 0x3F3504F3) >> 23;
  const float mantissa = std::bit_cast<float>(bits - (static_cast<std::uint32_t>(exponent) << 23));
  const float f = above_half ? from_integer : mantissa - 1.0f;
  const float e = static_cast<float>(near_one ? 0 : above_half ? -1 : exponent - 32);
  float p = -7.634509354829788e-2f;
  p = p * f + 1.2761594355106354e-1f;
  p = p * f - 1.3160185515880585e-1f;
  p = p * f + 1.4201755821704865e-1f;
  p = p * f - 1.6623356938362122e-1f;
  p = p * f + 2.0001226663589478e-1f;
  p = p * f - 2.500081956386566e-1f;
  p = p * f + 3.333333134651184e-1f;
  // ln 2 in two parts, the first with so few bits that its product with e is exact.
  constexpr float ln2_high = 0x1.62ep-1f;
  constexpr float ln2_low = 0x1.0bfbe8p-15f;
  const float rest = e * ln2_low + f * f * (f * p - 0.5f);
  return -2.0f * (e * ln2_high + (f + rest));
}

struct CosineSine {
  float cosine;
  float sine;
};

/// cos and sin of 2 pi word / 2^32. The word minus its nearest quarter turn is exact, so both are
/// accurate relatively; the minimax fits on [-pi/4, pi/4] have relative errors 4e-9 and 1e-10.
inline CosineSine cosine_sine(std::uint32_t word) {
  const std::uint32_t quarter = (word + 0x20000000u) >> 30;
  const float turns = static_cast<float>(static_cast<std::int32_t>(word - (quarter << 30)));
  // 2 pi / 2^32 in two parts: the second, -1.7e-07 / 2^32, matters to the last bit of the sine only.
  const float x = turns * 0x1.921fb6p-30f;
  const float z = x * x;
  const float s = x + (turns * -0x1.777a5cp-55f +
                       x * z * ((-1.9515282474458218e-4f * z + 8.33216030150652e-3f) * z - 1.6666655242443085e-1f));
  const float c =
      1.0f + z * (z * ((2.44331567955669e-5f * z - 1.3887316454201937e-3f) * z + 4.166664555668831e-2f) - 0.5f);
  const bool odd = (quarter & 1) != 0;
  const std::uint32_t cosine = std::bit_cast<std::uint32_t>(odd ? s : c) ^ ((quarter + 1) & 2) << 30;
  const std::uint32_t sine = std::bit_cast<std::uint32_t>(odd ? c : s) ^ (quarter & 2) << 30;
  return {std::bit_cast<float>(cosine), std::bit_cast<float>(sine)};
}

struct NormalPair {
  float first;
  float second;
};

/// sqrt(-2 ln u) (cos theta, sin theta) with u = (radius_word + 1/2) / 2^32 and
/// theta = 2 pi angle_word / 2^32. |normal| is at most 6.77.
inline NormalPair box_muller(std::uint32_t radius_word, std::uint32_t angle_word) {
  const float radius = std::sqrt(minus_two_log(radius_word));
  const CosineSine direction = cosine_sine(angle_word);
  return {radius * direction.cosine, radius * direction.sine};
}

}  // namespace meander
