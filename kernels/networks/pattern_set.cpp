// Hash words of neurons and the set of distinct pattern hashes.
#include "kernels/networks/pattern_set.hpp"

#include <algorithm>
#include <utility>

namespace meander {

namespace {

/// SplitMix64's output function (Steele, Lea, Flood 2014).
std::uint64_t scramble(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

}  // namespace

std::vector<PatternHash> pattern_words(int layer, int width) {
  std::vector<PatternHash> words(static_cast<std::size_t>(width));
  std::uint64_t address = static_cast<std::uint64_t>(layer) << 33U;
  for (PatternHash& word : words) {
    word.high = scramble(address++);
    word.low = scramble(address++);
  }
  return words;
}

void PatternSet::grow() {
  std::vector<PatternHash> old(std::max<std::size_t>(64, 2 * slots_.size()));
  std::swap(old, slots_);
  count_ = 0;
  for (const PatternHash& hash : old) {
    if (hash != PatternHash{}) place(hash);
  }
}

}  // namespace meander
