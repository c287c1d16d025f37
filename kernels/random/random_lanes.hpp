// The random stream, a vector register of blocks at a time. Every source file that includes this is compiled
// for one instruction set and gets a copy of its own (hence the unnamed namespace), as wide as that has
// registers: the values are those of philox.hpp and box_muller.hpp bit by bit, on every path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/random/random_paths.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace meander::random_lanes {
namespace {

#if defined(__AVX512F__)
constexpr std::size_t lanes = 16;
#elif defined(__AVX2__)
constexpr std::size_t lanes = 8;
#else
constexpr std::size_t lanes = 4;
#endif

using Words [[gnu::vector_size(4 * lanes)]] = std::uint32_t;
using Integers [[gnu::vector_size(4 * lanes)]] = std::int32_t;
using Floats [[gnu::vector_size(4 * lanes)]] = float;
/// Half as many words, each in the lower half of a lane; what is in the upper half does not matter.
using Wide [[gnu::vector_size(4 * lanes)]] = std::uint64_t;

/// Products of the lower halves.
[[gnu::always_inline]] inline Wide product(Wide a, Wide b) {
#if defined(__AVX512F__)
  // The forms with a mask: GCC 12 warns of uninitialised values in the others (its bug 105593).
  return (Wide)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Wide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Wide)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

[[gnu::always_inline]] inline Floats square_root(Floats x) {
#if defined(__AVX512F__)
  return _mm512_maskz_sqrt_ps(0xffff, x);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(x);
#elif defined(__SSE2__)
  return _mm_sqrt_ps(x);
#else
  for (std::size_t k = 0; k < lanes; ++k) x[k] = __builtin_sqrtf(x[k]);
  return x;
#endif
}

[[gnu::always_inline]] inline Wide wide(std::uint32_t word) {
  return Wide{} + word;
}
[[gnu::always_inline]] inline Integers integers(Words words) {
  return (Integers)words;
}

/// The keys of Philox's ten rounds.
struct RoundKeys {
  Wide k0[10], k1[10];
};

/// philox.hpp's rounds on the words of lanes / 2 blocks a set. The sets take turns, so that one's products
/// are under way while the other's are waited for.
template <std::size_t sets>
[[gnu::always_inline]] inline void philox(const RoundKeys& keys, Wide (&c)[sets][4]) {
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 4
    for (Wide(&set)[4] : c) {
      const Wide product0 = product(wide(0xD2511F53), set[0]);
      const Wide product1 = product(wide(0xCD9E8D57), set[2]);
      set[0] = (product1 >> 32) ^ set[1] ^ keys.k0[round];
      set[1] = product1;
      set[2] = (product0 >> 32) ^ set[3] ^ keys.k1[round];
      set[3] = product0;
    }
  }
}

/// Even lanes from `even`, odd ones from `odd`.
[[gnu::always_inline]] inline Words merged(Wide even, Wide odd) {
  return (Words)((even & 0xffffffff) | odd << 32);
}

/// minus_two_log of box_muller.hpp, computed with g = -2 f: powers of two change no rounding. Its three cases
/// differ in which 31-bit integer is rounded.
[[gnu::always_inline]] inline Floats minus_two_log_lanes(Words word) {
  const Integers above_half = integers(word) < 0;
  const Integers near_one = word >= 0xB504F334;
  const Integers low = integers(word) & 0x7fffffff;
  const Floats rounded = __builtin_convertvector(low ^ (near_one & 0x7fffffff), Floats) + 0.5f;
  const Floats from_integer = rounded * (near_one ? Floats{} + 0x1p-31f : Floats{} - 0x1p-30f);
  // The exponent less 32 is above the mantissa's 23 bits, which count from those of sqrt(1/2).
  const Integers bits = (Integers)rounded - (0x3F3504F3 + (32 << 23));
  const Floats mantissa = (Floats)((bits & 0x7fffff) + (0x3F3504F3 + (1 << 23)));
  const Floats g = above_half ? from_integer : 2.0f - mantissa;
  // Above 1/2 the exponent is 0 or -1.
  const Floats e = __builtin_convertvector(above_half ? ~near_one : bits >> 23, Floats);
  Floats p = (-7.634509354829788e-2f / -0x1p9f) * g + 1.2761594355106354e-1f * 0x1p-8f;
  p = p * g + -1.3160185515880585e-1f / -0x1p7f;
  p = p * g + 1.4201755821704865e-1f / 0x1p6f;
  p = p * g + -1.6623356938362122e-1f / -0x1p5f;
  p = p * g + 2.0001226663589478e-1f / 0x1p4f;
  p = p * g + -2.500081956386566e-1f / -0x1p3f;
  p = p * g + 3.333333134651184e-1f / 0x1p2f;
  const Floats rest = e * (-2 * 0x1.0bfbe8p-15f) + g * g * (g * p + 0.25f);
  return e * (-2 * 0x1.62ep-1f) + (g + rest);
}

/// cosine_sine of box_muller.hpp.
[[gnu::always_inline]] inline void cosine_sine_lanes(Words word, Floats& cosine, Floats& sine) {
  // The quarter turn is in the two uppermost bits.
  const Words turned = word + 0x20000000;
  const Floats turns = __builtin_convertvector(integers(word - (turned & 0xC0000000)), Floats);
  const Floats x = turns * 0x1.921fb6p-30f;
  const Floats z = x * x;
  const Floats s = x + (turns * -0x1.777a5cp-55f +
                        x * z * ((-1.9515282474458218e-4f * z + 8.33216030150652e-3f) * z - 1.6666655242443085e-1f));
  const Floats c =
      1.0f + z * (z * ((2.44331567955669e-5f * z - 1.3887316454201937e-3f) * z + 4.166664555668831e-2f) - 0.5f);
  const Integers odd = integers(turned & 0x40000000) != 0;
  cosine = (Floats)((Words)(odd ? s : c) ^ ((turned + 0x40000000) & 0x80000000));
  sine = (Floats)((Words)(odd ? c : s) ^ (turned & 0x80000000));
}

// What becomes of the four words of every block: four values of 32 bits.

struct KeepWords {
  [[gnu::always_inline]] void operator()(Words (&)[4]) const {}
};

struct ToNormals {
  [[gnu::always_inline]] void operator()(Words (&w)[4]) const {
    for (int k = 0; k < 4; k += 2) {
      Floats cosine, sine;
      cosine_sine_lanes(w[k + 1], cosine, sine);
      const Floats radius = square_root(minus_two_log_lanes(w[k]));
      w[k] = (Words)(radius * cosine);
      w[k + 1] = (Words)(radius * sine);
    }
  }
};

struct ToUniforms {
  [[gnu::always_inline]] void operator()(Words (&w)[4]) const {
    // Odd multiples of 2^-24: exact, never 0 or 1, and symmetric about 1/2.
    for (Words& word : w) {
      word = (Words)((__builtin_convertvector(integers(word >> 9), Floats) + 0.5f) * 0x1p-23f);
    }
  }
};

/// Pairs of 32 bits from the lower (upper) half of each 128-bit part of a and b, taken in turns.
template <std::size_t offset, std::size_t... k>
[[gnu::always_inline]] inline Words zip_words(Words a, Words b, std::index_sequence<k...>) {
  return __builtin_shufflevector(a, b, (k / 4 * 4 + k % 4 / 2 + offset + k % 2 * lanes)...);
}
template <std::size_t offset, std::size_t... k>
[[gnu::always_inline]] inline Words zip_pairs(Words a, Words b, std::index_sequence<k...>) {
  return __builtin_shufflevector(a, b, (k / 4 * 4 + k % 2 + offset + k % 4 / 2 * lanes)...);
}

/// Writes value k of the block in lane 4 q + i to out[4 ((lanes / 4) i + q) + k]: a transposition within
/// 128-bit parts, which is all that registers do quickly.
[[gnu::always_inline]] inline void store_interleaved(const Words (&value)[4], std::uint32_t* out) {
  constexpr auto all = std::make_index_sequence<lanes>();
  const Words low01 = zip_words<0>(value[0], value[1], all), low23 = zip_words<0>(value[2], value[3], all);
  const Words high01 = zip_words<2>(value[0], value[1], all), high23 = zip_words<2>(value[2], value[3], all);
  const Words rows[4] = {zip_pairs<0>(low01, low23, all), zip_pairs<2>(low01, low23, all),
                         zip_pairs<0>(high01, high23, all), zip_pairs<2>(high01, high23, all)};
  __builtin_memcpy(out, rows, sizeof rows);
}

struct Stream {
  RoundKeys keys;
  Wide row, layer, purpose;
  /// Lane 4 q + i holds block (lanes / 4) i + q, see store_interleaved.
  Wide even, odd;
};

[[gnu::always_inline]] inline Stream stream_at(const BlockAddress& address) {
  Stream stream{{}, wide(address.row), wide(address.layer), wide(address.purpose), {}, {}};
  for (std::uint32_t round = 0; round < 10; ++round) {
    stream.keys.k0[round] = wide(address.key[0] + round * 0x9E3779B9);
    stream.keys.k1[round] = wide(address.key[1] + round * 0xBB67AE85);
  }
  for (std::size_t k = 0; k < lanes / 2; ++k) {
    stream.even[k] = lanes / 4 * (2 * k % 4) + k / 2;
    stream.odd[k] = stream.even[k] + lanes / 4;
  }
  return stream;
}

/// `lanes` blocks of one row, from `first` on.
struct Group {
  std::uint32_t first;
  Wide row;
  std::uint32_t* out;
};

/// Two groups in one go leave less waiting than one after the other.
template <class Transform, std::size_t groups>
[[gnu::always_inline]] inline void fill_groups(const Stream& stream, const Group (&group)[groups]) {
  Wide counters[2 * groups][4];
  for (std::size_t g = 0; g < groups; ++g) {
    const Wide first = wide(group[g].first);
    for (std::size_t half = 0; half < 2; ++half) {
      Wide(&counter)[4] = counters[2 * g + half];
      counter[0] = first + (half == 0 ? stream.even : stream.odd);
      counter[1] = group[g].row;
      counter[2] = stream.layer;
      counter[3] = stream.purpose;
    }
  }
  philox(stream.keys, counters);
  for (std::size_t g = 0; g < groups; ++g) {
    Words values[4];
    for (std::size_t k = 0; k < 4; ++k) values[k] = merged(counters[2 * g][k], counters[2 * g + 1][k]);
    Transform{}(values);
    store_interleaved(values, group[g].out);
  }
}

template <class Transform>
void fill_blocks(const BlockAddress& address, std::size_t blocks, std::uint32_t* out) {
  const Stream stream = stream_at(address);
  std::uint32_t block = address.first_block;
  const std::uint32_t* end = out + 4 * blocks;
  for (; end - out >= static_cast<std::ptrdiff_t>(8 * lanes); out += 8 * lanes, block += 2 * lanes) {
    fill_groups<Transform, 2>(stream,
                              {{block, stream.row, out}, {block + std::uint32_t{lanes}, stream.row, out + 4 * lanes}});
  }
  if (out != end) fill_groups<Transform, 1>(stream, {{block, stream.row, out}});
}

/// The same blocks of several rows, two rows at a time.
template <class Transform>
void fill_rows(const BlockAddress& address, std::size_t blocks, std::size_t rows, std::size_t stride,
               std::uint32_t* out) {
  const Stream stream = stream_at(address);
  for (std::size_t row = 0; row < rows; row += 2, out += 2 * stride) {
    const Wide upper = stream.row + static_cast<std::uint32_t>(row), lower = upper + 1;
    std::uint32_t block = address.first_block;
    for (std::size_t done = 0; done < 4 * blocks; done += 4 * lanes, block += lanes) {
      if (row + 1 < rows) {
        fill_groups<Transform, 2>(stream, {{block, upper, out + done}, {block, lower, out + stride + done}});
      } else {
        fill_groups<Transform, 1>(stream, {{block, upper, out + done}});
      }
    }
  }
}

constexpr RandomPath path_of_this_file(const char* name) {
  return {
      name, lanes, &fill_blocks<KeepWords>, &fill_blocks<ToNormals>, &fill_blocks<ToUniforms>, &fill_rows<ToNormals>};
}

}  // namespace
}  // namespace meander::random_lanes
