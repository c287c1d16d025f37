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

/// A set that is only ever asked for its size: a vector, sorted now and then.
class PatternSet {
 public:
  void insert(const PatternHash& hash) {
    if (hashes_.size() >= compact_at_) compact();
    hashes_.push_back(hash);
  }
  std::int64_t size();

 private:
  void compact();

  std::vector<PatternHash> hashes_;
  std::size_t compact_at_ = 1024;
};

}  // namespace meander
