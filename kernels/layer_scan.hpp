// What the sampled kernel remembers of one layer while samples go by: its last two samples, its
// counts and lengths so far.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/activation.hpp"
#include "kernels/layer_product.hpp"
#include "kernels/pattern_set.hpp"
#include "kernels/row_arithmetic.hpp"

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

/// Real is the type of the activations, float or double.
template <class Real>
class LayerScan {
 public:
  LayerScan(const LayerPath<Real>& path, int layer, int width, std::span<const Threshold> thresholds)
      : path_(path),
        width_(width),
        words_(bit_words(width)),
        thresholds_(thresholds),
        neuron_words_(pattern_words(layer, width)) {
    const auto bits = static_cast<std::size_t>(words_) * thresholds.size();
    for (std::vector<std::uint64_t>* row : {&now_, &bits_[0], &bits_[1], &first_bits_}) row->resize(bits);
    for (std::vector<Real>* row : {&values_[0], &values_[1], &first_values_})
      row->resize(static_cast<std::size_t>(width + widest_register - 1));
    previous_ = {values_[0].data(), values_[1].data()};
  }

  enum class Taken { unchanged, switched, overflow };
  /// Takes sample `samples()` of the curve: `row` holds its pre-activations and gets its post-activations,
  /// which have to stay where they are until `keep`; room for widest_register elements more than there are is read.
  /// Switched where a neuron changed its piece since the sample before, overflow where a pre-activation is not finite.
  Taken take(std::span<Real> row, const Activation& activation);
  /// Copies what is still needed of rows taken.
  void keep();
  /// Counts the interval that closes a closed curve and, at half sampling, the one that reaches the
  /// end of an open one. True where a neuron switches in the former.
  bool finish(bool closed);

  long samples() const { return samples_; }
  /// The last sample's pattern hash, less that of the first.
  const PatternHash& hash() const { return hash_; }
  const IntervalSums& all() const { return all_; }
  const IntervalSums& half() const { return half_; }

 private:
  /// Adds the crossings between two samples to `sums`; true where there is a switch of piece.
  template <bool update_hash>
  bool compare(const std::vector<std::uint64_t>& before, const std::vector<std::uint64_t>& after, IntervalSums& sums);
  void change_hash(std::uint64_t flips, std::uint64_t after, long word);

  const LayerPath<Real>& path_;
  long width_;
  long words_;
  std::span<const Threshold> thresholds_;
  std::vector<PatternHash> neuron_words_;
  long samples_ = 0;
  /// Of even samples in [0] and odd ones in [1].
  std::array<std::vector<std::uint64_t>, 2> bits_;
  std::array<std::vector<Real>, 2> values_;
  /// Where their values are: in the caller's rows, or above.
  std::array<const Real*, 2> previous_;
  std::vector<std::uint64_t> now_, first_bits_;
  std::vector<Real> first_values_;
  PatternHash hash_;
  IntervalSums all_, half_;
};

template <class Real>
typename LayerScan<Real>::Taken LayerScan<Real>::take(std::span<Real> row, const Activation& activation) {
  if (!path_.all_finite(row.data(), width_)) return Taken::overflow;
  const auto parity = static_cast<std::size_t>(samples_ % 2);
  for (std::size_t k = 0; k < thresholds_.size(); ++k) {
    path_.bits_above(row.data(), width_, static_cast<Real>(thresholds_[k].value),
                     now_.data() + static_cast<std::ptrdiff_t>(k) * words_);
  }
  activation.apply(row);
  bool switched = false;
  if (samples_ == 0) {
    first_bits_ = now_;
    std::copy(row.begin(), row.end(), first_values_.begin());
  } else {
    const Real* before = previous_[1 - parity];
    const Real* two_before = parity == 0 ? previous_[0] : nullptr;
    std::array<double, 2> squares{};
    path_.squared_distances(row.data(), before, two_before, width_, squares.data());
    switched = compare<true>(bits_[1 - parity], now_, all_);
    all_.length.add(distance_of_square(squares[0], row.data(), before, width_));
    if (parity == 0) {
      compare<false>(bits_[0], now_, half_);
      half_.length.add(distance_of_square(squares[1], row.data(), two_before, width_));
    }
  }
  std::swap(bits_[parity], now_);
  previous_[parity] = row.data();
  ++samples_;
  return switched ? Taken::switched : Taken::unchanged;
}

template <class Real>
void LayerScan<Real>::keep() {
  for (std::size_t parity = 0; parity < 2; ++parity) {
    if (previous_[parity] != values_[parity].data()) std::copy_n(previous_[parity], width_, values_[parity].begin());
    previous_[parity] = values_[parity].data();
  }
}

template <class Real>
bool LayerScan<Real>::finish(bool closed) {
  const auto last = static_cast<std::size_t>((samples_ - 1) % 2);
  if (closed) {
    compare<false>(bits_[0], first_bits_, half_);
    half_.length.add(distance(values_[0].data(), first_values_.data(), width_));
    all_.length.add(distance(values_[last].data(), first_values_.data(), width_));
    return compare<false>(bits_[last], first_bits_, all_);
  }
  if (last == 1) {
    compare<false>(bits_[0], bits_[1], half_);
    half_.length.add(distance(values_[0].data(), values_[1].data(), width_));
  }
  return false;
}

template <class Real>
template <bool update_hash>
bool LayerScan<Real>::compare(const std::vector<std::uint64_t>& before, const std::vector<std::uint64_t>& after,
                              IntervalSums& sums) {
  bool switched = false;
  std::size_t i = 0;
  for (const Threshold& threshold : thresholds_) {
    std::int64_t crossings = 0;
    for (long word = 0; word < words_; ++word, ++i) {
      const std::uint64_t flips = before[i] ^ after[i];
      crossings += std::popcount(flips);
      if constexpr (update_hash) {
        if (threshold.is_breakpoint && flips != 0) change_hash(flips, after[i], word);
      }
    }
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
