// One walk along the boundaries; an event of layer m concerns the books of layers m and above.
#include "kernels/linear_regions/exact_ledger.hpp"

#include <algorithm>
#include <limits>

namespace meander {

ExactLedger::ExactLedger(int first_layer, std::span<const std::vector<PatternHash>> words, bool line,
                         const ExactOptions& options)
    : first_layer_(first_layer),
      words_(words),
      line_(line),
      patterns_(options.patterns && !line),
      keep_events_(options.events),
      books_(words.size()),
      smallest_gap_(std::numeric_limits<double>::infinity()) {}

void ExactLedger::meet(double gap, bool unresolved) {
  smallest_gap_ = std::min(smallest_gap_, gap);
  unresolved_ += unresolved ? 1 : 0;
}

std::optional<double> ExactLedger::fine_distance(const Position& a, const Position& b) {
  if (a.fine.rank < 0 || b.fine.rank < 0) return std::nullopt;
  // On one stretch ranks tell places apart, and distances to all digits are asked for between neighbours alone.
  if (a.stretch == b.stretch)
    return a.fine.rank == b.fine.rank ? 0.0 : std::max(b.fine.to_last, std::numeric_limits<double>::min());
  if (a.stretch + 1 == b.stretch) return a.fine.to_end + b.fine.to_begin;
  return std::nullopt;
}

/// Positions that differ only by rounding of t are one: neurons that switch together do so for a reason. So it is
/// unless more digits have told them apart.
bool ExactLedger::are_one(const Position& a, const Position& b) {
  if (const auto distance = fine_distance(a, b)) return *distance == 0.0;
  return between(a, b) <= 4.0 * std::numeric_limits<double>::epsilon() * std::abs(b.base + b.distance);
}

void ExactLedger::add(double base, const std::vector<Boundary>& boundaries) {
  for (const Boundary& boundary : boundaries) {
    if (boundary.layer < first_layer_) continue;  // a zero of the curve
    const Position here{base, boundary.place.distance, boundary.blur, boundary.fine, stretches_};
    if (last_) {
      const auto fine = fine_distance(*last_, here);
      const double gap = fine ? *fine : between(*last_, here);
      meet(gap, fine ? gap == 0.0 : gap <= last_->blur + here.blur);
    }
    if (!first_) first_ = here;
    last_ = here;
    const auto layer = static_cast<std::size_t>(boundary.layer - first_layer_);
    const PatternHash& word = words_[layer][static_cast<std::size_t>(boundary.neuron)];
    const bool up = boundary.after > boundary.before;
    for (std::size_t l = layer; l < books_.size(); ++l) {
      LayerBook& book = books_[l];
      if (book.distinct == 0 || !are_one(book.last, here)) {
        if (book.distinct++ == 0) book.first = here;
        if (patterns_) book.patterns.insert(book.hash);
      }
      book.last = here;
      if (!patterns_) continue;
      up ? book.hash += word : book.hash -= word;
    }
    if (keep_events_) {
      events_.push_back(
          {base + boundary.place.distance, boundary.layer, boundary.neuron, boundary.before, boundary.after});
    }
  }
  ++stretches_;
}

/// How far the curve's first boundary of some layers lies behind the last, around the end of a closed curve; and
/// whether they are one.
ExactLedger::Closing ExactLedger::closing(const Position& first, const Position& last, double period) const {
  const bool fine = first.fine.rank >= 0 && last.fine.rank >= 0 && first.stretch == 0 && last.stretch + 1 == stretches_;
  if (fine) {
    const double gap = last.fine.to_end + first.fine.to_begin;
    return {gap, gap == 0.0, gap == 0.0};
  }
  const double gap = period - between(first, last);
  return {gap, gap <= 4.0 * std::numeric_limits<double>::epsilon() * period, gap <= last.blur + first.blur};
}

void ExactLedger::finish(double period, ExactCounts& counts) {
  const bool closed = period > 0.0;
  if (closed && first_ && between(*first_, *last_) > 0.0) {
    const Closing met = closing(*first_, *last_, period);
    meet(met.gap, met.unresolved);
  }
  const auto offset = static_cast<std::size_t>(first_layer_ - 1);
  for (std::size_t l = 0; l < books_.size(); ++l) {
    LayerBook& book = books_[l];
    // An event at the end of a circle and one at its beginning are at one place.
    if (closed && book.distinct > 1 && closing(book.first, book.last, period).are_one) --book.distinct;
    counts.pieces[offset + l] = closed ? std::max<std::int64_t>(1, book.distinct) : book.distinct + 1;
    if (patterns_) {
      book.patterns.insert(book.hash);
      counts.patterns[offset + l] = book.patterns.size();
    } else if (line_) {
      counts.patterns[offset + l] = counts.pieces[offset + l];
    }
  }
  counts.smallest_gap = smallest_gap_ < std::numeric_limits<double>::infinity()
                            ? smallest_gap_
                            : std::numeric_limits<double>::quiet_NaN();
  counts.unresolved_events += unresolved_;
  counts.events = std::move(events_);
}

}  // namespace meander
