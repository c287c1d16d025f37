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

void ExactLedger::meet(const Position& before, double gap, double blur) {
  smallest_gap_ = std::min(smallest_gap_, gap);
  if (gap <= before.blur + blur) ++unresolved_;
}

void ExactLedger::add(double base, const std::vector<Boundary>& boundaries) {
  for (const Boundary& boundary : boundaries) {
    if (boundary.layer < first_layer_) continue;  // a zero of the curve
    const Position here{base, boundary.place.distance, boundary.blur};
    if (last_) meet(*last_, between(*last_, here), here.blur);
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
}

void ExactLedger::finish(double period, ExactCounts& counts) {
  const bool closed = period > 0.0;
  if (closed && first_ && between(*first_, *last_) > 0.0) meet(*last_, period - between(*first_, *last_), first_->blur);
  const auto offset = static_cast<std::size_t>(first_layer_ - 1);
  for (std::size_t l = 0; l < books_.size(); ++l) {
    LayerBook& book = books_[l];
    // An event at the end of a circle and one at its beginning are at one place.
    if (closed && book.distinct > 1 &&
        period - between(book.first, book.last) <= 4.0 * std::numeric_limits<double>::epsilon() * period)
      --book.distinct;
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
