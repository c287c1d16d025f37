// What the sampled kernel remembers of one layer while samples go by: its last two samples, its
// counts and lengths so far.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "kernels/base/row_arithmetic.hpp"
#include "kernels/networks/activation.hpp"
#include "kernels/networks/pattern_set.hpp"
#include "kernels/products/layer_product.hpp"

namespace meander {

/// The values of h whose crossings are counted: zero for the sign, breakpoints for the piece (for
/// ReLU one and the same).
struct Threshold {
  double value = 0.0;
  bool is_sign = false;
  bool is_breakpoint = false;
};
std::vector<Threshold> thresholds_of(const Activation& activation, bool transitions);

/// Counts of crossings and length of the image, over all intervals or over those of every second
/// sample.
struct IntervalSums {
  std::int64_t transitions = 0;
  std::int64_t sign_changes = 0;
  CompensatedSum length;
};

/// Of a panel's samples, over the layers so far.
struct PanelPatterns {
  /// Whether a neuron has switched since the sample before.
  std::vector<std::uint8_t> switched;
  /// Each pattern's hash, less that of the curve's first sample.
  std::vector<PatternHash> hashes;
};

/// |a - b| whose square LayerPath::squared_distances found to be `square`.
template <class Real>
double distance_of_path(double square, const Real* a, const Real* b, long size) {
  if constexpr (std::is_same_v<Real, double>) return distance_of_square(square, a, b, size);
  // Outside, squares in single precision have lost digits to underflow or have overflown.
  return square > 1e-30 && square < 1e37 ? std::sqrt(square) : distance(a, b, size);
}

/// Real is the type of the activations, float or double.
template <class Real>
class LayerScan {
 public:
  /// `thresholds` has to outlive the scan. Patterns are counted if `patterns`.
  LayerScan(const LayerPath<Real>& path, int layer, int width, std::span<const Threshold> thresholds, bool patterns);

  /// Takes the curve's next `count` samples, of an even number unless they are the last: `rows`, `stride` elements
  /// apart, hold their pre-activations and get their post-activations, which have to stay where they are until `keep`;
  /// see
  /// LayerPath::states for what lies behind them. `seen` holds what the layers before have made of
  /// these samples, from `first` on. False where a pre-activation is not finite.
  bool take(Real* rows, long stride, long count, const Activation& activation, PanelPatterns& seen, long first);
  /// Copies what is still needed of rows taken.
  void keep();
  /// Counts the interval that closes a closed curve and, at half sampling, the one that reaches the
  /// end of an open one. True where a neuron switches in the former.
  bool finish(bool closed);

  const IntervalSums& all() const { return all_; }
  const IntervalSums& half() const { return half_; }
  /// Intervals taken in which a neuron of the layers so far switches.
  std::int64_t switching_intervals() const { return switching_; }
  std::int64_t patterns() const { return patterns_.size(); }
  /// The larger norm of the curve's first post-activations and of those of the last even sample.
  double norm_at_ends() const {
    const std::vector<Real> zero(first_values_.size());
    return std::max(distance(first_values_.data(), zero.data(), width_),
                    distance(values_[0].data(), zero.data(), width_));
  }

 private:
  /// Samples that are looked at together: their rows stay in the first-level cache from one pass to the next.
  static constexpr long rows_at_once = 16;

  bool take_few(Real* rows, long stride, long count, const Activation& activation);
  void start(const Real* row);
  void measure(const Real* rows, long stride, long count);
  void count_crossings(long count, PanelPatterns& seen, long first);
  /// Adds the crossings between two samples to `sums`; true where there is a switch of piece.
  template <bool update_hash>
  bool compare(const std::uint64_t* before, const std::uint64_t* after, IntervalSums& sums);
  void change_hash(std::uint64_t flips, std::uint64_t after, long word);
  /// Of the sample with this index among those at hand; -1 and -2 are the ones before them.
  std::uint64_t* bits_of(long sample) { return bits_.data() + (sample + 2) * row_bits_; }

  const LayerPath<Real>& path_;
  long width_;
  long words_;
  std::span<const Threshold> thresholds_;
  std::vector<Real> threshold_values_;
  bool count_patterns_;
  long row_bits_;
  std::vector<PatternHash> neuron_words_;
  long samples_ = 0;
  std::vector<std::uint64_t> bits_, first_bits_;
  std::array<std::uint8_t, rows_at_once> changed_{};
  /// Of even samples in [0] and odd ones in [1].
  std::array<std::vector<Real>, 2> values_;
  /// Where their values are: in the caller's rows, or above.
  std::array<const Real*, 2> previous_{};
  std::vector<Real> first_values_;
  /// The last sample's pattern hash, less that of the first.
  PatternHash hash_;
  IntervalSums all_, half_;
  std::int64_t switching_ = 0;
  PatternSet patterns_;
};

template <class Real>
LayerScan<Real>::LayerScan(const LayerPath<Real>& path, int layer, int width, std::span<const Threshold> thresholds,
                           bool patterns)
    : path_(path),
      width_(width),
      words_(bit_words(width)),
      thresholds_(thresholds),
      count_patterns_(patterns),
      row_bits_(words_ * static_cast<long>(thresholds.size())),
      neuron_words_(pattern_words(layer, width)),
      bits_(static_cast<std::size_t>((rows_at_once + 2) * row_bits_)) {
  for (const Threshold& threshold : thresholds) threshold_values_.push_back(static_cast<Real>(threshold.value));
  const long room = (width + widest_register - 1) / widest_register * widest_register;
  for (std::vector<Real>* row : {&values_[0], &values_[1], &first_values_}) row->resize(static_cast<std::size_t>(room));
}

template <class Real>
bool LayerScan<Real>::take(Real* rows, long stride, long count, const Activation& activation, PanelPatterns& seen,
                           long first) {
  for (long row = 0; row < count; row += rows_at_once) {
    const long now = std::min(rows_at_once, count - row);
    if (!take_few(rows + row * stride, stride, now, activation)) return false;
    count_crossings(now, seen, first + row);
  }
  return true;
}

/// Everything but what follows from bits.
template <class Real>
bool LayerScan<Real>::take_few(Real* rows, long stride, long count, const Activation& activation) {
  const auto& bounds = activation.clamp();
  const Clamp<Real> clamp =
      bounds ? Clamp<Real>{static_cast<Real>(bounds->low), static_cast<Real>(bounds->high)} : Clamp<Real>{};
  if (!path_.states(rows, stride, count, width_, threshold_values_, clamp, bits_of(0), changed_.data())) return false;
  for (long i = 0; i < count && !bounds; ++i)
    activation.apply(std::span<Real>(rows + i * stride, static_cast<std::size_t>(width_)));
  if (samples_ == 0) start(rows);
  measure(rows, stride, count);
  previous_[0] = rows + (count - 1) / 2 * 2 * stride;
  if (count > 1) previous_[1] = rows + (count / 2 * 2 - 1) * stride;
  samples_ += count;
  return true;
}

/// The curve's first sample: it is its own predecessor, at no distance.
template <class Real>
void LayerScan<Real>::start(const Real* row) {
  first_bits_.assign(bits_of(0), bits_of(1));
  std::copy_n(row, width_, first_values_.begin());
  for (const long before : {-2L, -1L}) std::copy(first_bits_.begin(), first_bits_.end(), bits_of(before));
  previous_ = {row, row};
  if (count_patterns_) patterns_.insert(PatternHash{});
}

template <class Real>
void LayerScan<Real>::measure(const Real* rows, long stride, long count) {
  std::array<double, rows_at_once> all{}, half{};
  path_.squared_distances(previous_[0], previous_[1], rows, stride, count, width_, all.data(), half.data());
  std::array<const Real*, 2> before = previous_;
  for (long i = 0; i < count; ++i) {
    const auto parity = static_cast<std::size_t>(i % 2);
    const Real* row = rows + i * stride;
    all_.length.add(distance_of_path(all[static_cast<std::size_t>(i)], row, before[1 - parity], width_));
    if (parity == 0) half_.length.add(distance_of_path(half[static_cast<std::size_t>(i / 2)], row, before[0], width_));
    before[parity] = row;
  }
}

template <class Real>
void LayerScan<Real>::count_crossings(long count, PanelPatterns& seen, long first) {
  for (long i = 0; i < count; ++i) {
    // Most samples have no crossing at all.
    const auto changed = changed_[static_cast<std::size_t>(i)];
    const bool switched = (changed & 1U) != 0 && compare<true>(bits_of(i - 1), bits_of(i), all_);
    if (i % 2 == 0 && (changed & 2U) != 0) compare<false>(bits_of(i - 2), bits_of(i), half_);
    if (!count_patterns_) continue;
    const auto at = static_cast<std::size_t>(first + i);
    seen.hashes[at] += hash_;
    seen.switched[at] = static_cast<std::uint8_t>(seen.switched[at] != 0 || switched);
    if (seen.switched[at] == 0) continue;
    ++switching_;
    patterns_.prefetch(seen.hashes[at]);
  }
  for (auto at = static_cast<std::size_t>(first); count_patterns_ && at < static_cast<std::size_t>(first + count);
       ++at) {
    if (seen.switched[at] != 0) patterns_.insert(seen.hashes[at]);
  }
  std::copy(bits_of((count - 1) / 2 * 2), bits_of((count - 1) / 2 * 2 + 1), bits_of(-2));
  if (count > 1) std::copy(bits_of(count / 2 * 2 - 1), bits_of(count / 2 * 2), bits_of(-1));
}

template <class Real>
void LayerScan<Real>::keep() {
  for (std::size_t parity = 0; parity < 2; ++parity) {
    if (previous_[parity] != values_[parity].data())
      std::copy_n(previous_[parity], values_[parity].size(), values_[parity].begin());
    previous_[parity] = values_[parity].data();
  }
}

template <class Real>
bool LayerScan<Real>::finish(bool closed) {
  const auto last = static_cast<std::size_t>((samples_ - 1) % 2);
  const std::uint64_t* last_bits = bits_of(last == 0 ? -2 : -1);
  if (closed) {
    compare<false>(bits_of(-2), first_bits_.data(), half_);
    half_.length.add(distance(values_[0].data(), first_values_.data(), width_));
    all_.length.add(distance(values_[last].data(), first_values_.data(), width_));
    return compare<false>(last_bits, first_bits_.data(), all_);
  }
  if (last == 1) {
    compare<false>(bits_of(-2), bits_of(-1), half_);
    half_.length.add(distance(values_[0].data(), values_[1].data(), width_));
  }
  return false;
}

template <class Real>
template <bool update_hash>
bool LayerScan<Real>::compare(const std::uint64_t* before, const std::uint64_t* after, IntervalSums& sums) {
  bool switched = false;
  for (const Threshold& threshold : thresholds_) {
    std::int64_t crossings = 0;
    for (long word = 0; word < words_; ++word) {
      const std::uint64_t flips = before[word] ^ after[word];
      crossings += std::popcount(flips);
      if constexpr (update_hash) {
        if (threshold.is_breakpoint && flips != 0) change_hash(flips, after[word], word);
      }
    }
    before += words_;
    after += words_;
    if (threshold.is_sign) sums.sign_changes += crossings;
    if (threshold.is_breakpoint) {
      sums.transitions += crossings;
      switched = switched || crossings != 0;
    }
  }
  return switched;
}

template <class Real>
void LayerScan<Real>::change_hash(std::uint64_t flips, std::uint64_t after, long word) {
  for (; flips != 0; flips &= flips - 1) {
    const int bit = std::countr_zero(flips);
    const PatternHash& neuron = neuron_words_[static_cast<std::size_t>(word * 64 + bit)];
    // A threshold crossed upwards raises the neuron's piece index by one.
    if ((after >> bit & 1U) != 0) {
      hash_ += neuron;
    } else {
      hash_ -= neuron;
    }
  }
}

}  // namespace meander
