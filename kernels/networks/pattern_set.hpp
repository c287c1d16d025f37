// Counts distinct activation patterns by 128-bit linear hashes, which a switching neuron changes by
// one addition.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace meander {

/// A pattern's hash: the sum of the neurons' words times their piece indices, modulo 2^64 each.
/// Two of n patterns collide with probability below n^2 / 2^129.
struct PatternHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  PatternHash& operator+=(const PatternHash& other) {
    high += other.high;
    low += other.low;
    return *this;
  }
  PatternHash& operator-=(const PatternHash& other) {
    high -= other.high;
    low -= other.low;
    return *this;
  }
  friend auto operator<=>(const PatternHash&, const PatternHash&) = default;
};

/// The words of a layer's neurons 0..width-1: fixed numbers without structure (SplitMix64).
std::vector<PatternHash> pattern_words(int layer, int width);

/// A set that is only ever asked for its size: open addressing, at most three quarters full.
class PatternSet {
 public:
  void insert(const PatternHash& hash) {
    if (4 * (count_ + 1) > 3 * slots_.size()) grow();
    place(hash);
  }
  /// Fetches what `insert` of this hash is going to read first.
  void prefetch(const PatternHash& hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[home(hash)]);
  }
  std::int64_t size() const { return static_cast<std::int64_t>(count_) + (has_zero_ ? 1 : 0); }

 private:
  void place(const PatternHash& hash) {
    // The empty slot's value is kept apart.
    if (hash == PatternHash{}) {
      has_zero_ = true;
      return;
    }
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = home(hash);
    while (slots_[i] != PatternHash{}) {
      if (slots_[i] == hash) return;
      i = (i + 1) & mask;
    }
    slots_[i] = hash;
    ++count_;
  }
  /// Where the search for a hash begins. Sums of few words are as random as the words.
  std::size_t home(const PatternHash& hash) const {
    return static_cast<std::size_t>(hash.low ^ (hash.low >> 32U)) & (slots_.size() - 1);
  }
  void grow();

  std::vector<PatternHash> slots_;
  std::size_t count_ = 0;
  bool has_zero_ = false;
};

}  // namespace meander
