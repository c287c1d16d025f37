// The pass over pieces: the few neurons that may cross a threshold on a piece are looked at one by one.
#include "kernels/linear_regions/exact_layer.hpp"

#include "kernels/linear_regions/exact_touch.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace meander {

namespace {

template <bool curved>
class Pass {
 public:
  Pass(const LayerPass& pass, LayerState& state, RowBuffer& passed, std::vector<Boundary>& merged,
       std::vector<Place>* signs, LayerTally& tally)
      : pass_(pass), table_(*pass.table), s_(state), passed_(passed), merged_(merged), signs_(signs), tally_(tally) {}

  bool run() {
    const std::vector<Boundary>& old = *pass_.boundaries;
    passed_.resize(old.size(), s_.p.size());
    left_.resize(static_cast<std::size_t>(pass_.width));
    frozen_ = pass_.starts_frozen;
    tally_.starts_frozen = frozen_ || s_.moving == 0;
    for (std::size_t k = 0; k <= old.size(); ++k) {
      const bool last = k == old.size();
      piece(k, last ? pass_.end : old[k].place, last, last ? pass_.ends_at_zero : old[k].at_zero);
      if (tally_.places > pass_.most_places) return false;
      if (last) break;
      merge(old[k]);
      merged_.back().row = static_cast<std::int32_t>(k);
      frozen_ = old[k].frozen;
      at_zero_ = old[k].at_zero;
      merged_.back().frozen = frozen_ || s_.moving == 0;
    }
    for (std::size_t i = 0; i < s_.p.size(); ++i)
      tally_.finite = tally_.finite && std::isfinite(s_.p[i]) && std::isfinite(s_.q[i]) && std::isfinite(s_.r[i]);
    tally_.finite = tally_.finite && std::isfinite(tally_.length);
    tally_.fastest = std::sqrt(tally_.fastest) / s_.scale;
    return true;
  }

 private:
  void merge(const Boundary& boundary) {
    const bool apart = merged_.empty() || boundary.place.distance - merged_.back().place.distance > s_.shift;
    tally_.places += apart ? 1 : 0;
    merged_.push_back(boundary);
    merged_.back().at_zero = false;
  }

  void piece(std::size_t index, const Place& end, bool last, bool ends_at_zero) {
    suspects_.clear();
    crossings_.clear();
    end_ = end;
    ends_at_zero_ = ends_at_zero;
    Step step{nullptr, nullptr, {}, end, 0.0, 0.0};
    const double length = end.distance - begin_.distance;
    const double chord = curved ? 0.125 * length * length : 0.0;
    step.by_q = chord * pass_.end.first + LayerState::rounding * end.first + s_.shift;
    step.by_r = chord + LayerState::rounding * end.second + s_.shift * end.first;
    SpeedForm form;
    std::swap(s_.value, s_.value_before);
    if (index == 0) {
      pass_.lengths ? advance<curved, false, true>(step, s_, form, suspects_)
                    : advance<curved, false, false>(step, s_, form, suspects_);
    } else {
      step.u = (*pass_.pushed)[index - 1];
      step.passed = passed_.row(index - 1);
      step.jump = (*pass_.boundaries)[index - 1].jump;
      pass_.lengths ? advance<curved, true, true>(step, s_, form, suspects_)
                    : advance<curved, true, false>(step, s_, form, suspects_);
    }
    // Between boundaries at one place, rounding aside, there is no piece to look at.
    const bool is_piece = length > s_.shift;
    if (frozen_ && (is_piece || last)) {
      freeze();
      form = {};
    }
    if (at_zero_ && (is_piece || last)) leave_zero(end);
    if (ends_at_zero) std::copy_n(pass_.at_zero, pass_.width, s_.value.begin());
    if (is_piece) {
      for (const std::size_t neuron : suspects_) search(neuron, end, ends_at_zero);
    }
    if (!crossings_.empty()) gather(end);
    if (last && pass_.closing != nullptr) close(end);
    settle(form, end, last);
    begin_ = end;
  }

  /// Where the input stays constant so do the neurons: what is left of their slopes is rounding of jumps that cancel.
  void freeze() {
    for (std::size_t i = 0; i < s_.p.size(); ++i) {
      s_.p[i] += s_.q[i] * begin_.first + s_.r[i] * begin_.second;
      s_.q[i] = s_.r[i] = 0.0;
      s_.value[i] = s_.p[i];
    }
  }

  /// Where the input vanishes, values are known whatever rounding says, and states follow from how they move on.
  void leave_zero(const Place& end) {
    suspects_.clear();
    for (std::size_t i = 0; i < static_cast<std::size_t>(pass_.width); ++i) {
      const double q = s_.q[i];
      const double r = s_.r[i];
      const double h = pass_.at_zero[i];
      s_.p[i] = h - (q * begin_.first + r * begin_.second);
      s_.value_before[i] = h;
      s_.value[i] = s_.p[i] + q * end.first + r * end.second;
      s_.noise[i] = std::max(s_.noise[i], LayerState::rounding * std::abs(s_.p[i]));
      const std::int32_t state = state_after(i, h, end);
      const auto neuron = static_cast<std::int32_t>(i);
      for (std::int32_t s = s_.state[i]; s < state; ++s) crossings_.push_back({begin_, s_.shift, neuron, s, true});
      for (std::int32_t s = s_.state[i]; s > state; --s) crossings_.push_back({begin_, s_.shift, neuron, s - 1, false});
      left_[i] = state;
      if (q != 0.0 || r != 0.0) suspects_.push_back(i);
    }
  }

  /// The state in which a neuron leaves its value h at the piece's beginning.
  std::int32_t state_after(std::size_t i, double h, const Place& end) {
    const double sine = begin_.first;
    const double cosine = 1.0 - begin_.second;
    const double slope = s_.q[i] * cosine + s_.r[i] * sine;
    const double cancelled = LayerState::rounding * (std::abs(s_.q[i] * cosine) + std::abs(s_.r[i] * sine));
    const double first = std::abs(slope) > cancelled ? slope : 0.0;
    const double second = s_.r[i] * cosine - s_.q[i] * sine;
    const double length = end.distance - begin_.distance;
    const double way = first != 0.0 ? std::abs(first) * length : 0.5 * std::abs(second) * length * length;
    if (length > s_.shift && way > 0.0 && way <= s_.tolerance(i, end) && table_.is_threshold(h)) ++tally_.undecided;
    return table_.at_start(h, first, second, 0.0);
  }

  void search(std::size_t i, const Place& end, bool ends_at_zero) {
    if (!at_zero_ && s_.q[i] == 0.0 && s_.r[i] == 0.0) {
      rest(i);
      return;
    }
    const double tolerance = s_.tolerance(i, end);
    const NeuronPiece neuron{{s_.p[i], s_.q[i], s_.r[i]},
                             begin_,
                             end,
                             s_.value_before[i],
                             s_.value[i],
                             at_zero_ ? 0.0 : tolerance,
                             tolerance,
                             ends_at_zero ? 0.0 : tolerance,
                             static_cast<std::int32_t>(i)};
    find_crossings<curved>(table_, neuron, at_zero_ ? left_[i] : s_.state[i], crossings_);
    tally_.touches += touches_threshold<curved>(table_, neuron) ? 1 : 0;
  }

  /// A neuron that stays on a threshold is not above it.
  void rest(std::size_t i) {
    const std::int32_t threshold = s_.state[i] - 1;
    const double tolerance = s_.tolerance(i, begin_);
    const double above = s_.value[i] - s_.lower[i];
    const double below = s_.upper[i] - s_.value[i];
    tally_.touches += (above != 0.0 && std::abs(above) <= tolerance) || (below != 0.0 && std::abs(below) <= tolerance);
    if (std::abs(above) <= tolerance)
      crossings_.push_back({begin_, 0.0, static_cast<std::int32_t>(i), threshold, false});
  }

  /// On a closed curve's end, whatever rounding has left open is closed.
  void close(const Place& end) {
    std::vector<std::int32_t> ends = s_.state;
    for (const Crossing& crossing : crossings_)
      ends[static_cast<std::size_t>(crossing.neuron)] += crossing.upwards ? 1 : -1;
    for (std::size_t i = 0; i < static_cast<std::size_t>(pass_.width); ++i) {
      const auto neuron = static_cast<std::int32_t>(i);
      const double blur = s_.tolerance(i, end) / std::abs(s_.q[i] * (1.0 - end.second) + s_.r[i] * end.first);
      tally_.touches += ends[i] != (*pass_.closing)[i] ? 1 : 0;
      while (ends[i] < (*pass_.closing)[i]) crossings_.push_back({end, blur, neuron, ends[i]++, true});
      while (ends[i] > (*pass_.closing)[i]) crossings_.push_back({end, blur, neuron, --ends[i], false});
    }
  }

  /// In order of place, one neuron's crossings in their own; places that rounding cannot tell apart become one, so that
  /// neurons that switch together do so in the layers above as well.
  void gather(const Place& end) {
    sort();
    Place at = begin_;
    for (Crossing& crossing : crossings_) {
      if (crossing.place.distance - at.distance > s_.shift) at = crossing.place;
      if (end.distance - at.distance <= s_.shift) at = end;
      tally_.touches += crossing.place.distance != at.distance ? 1 : 0;
      crossing.place = at;
    }
  }

  /// Most pieces have a few, which are not worth a sort's memory.
  void sort() {
    const auto earlier = [](const Crossing& a, const Crossing& b) { return a.place.distance < b.place.distance; };
    if (crossings_.size() > 32) {
      std::stable_sort(crossings_.begin(), crossings_.end(), earlier);
      return;
    }
    for (auto next = crossings_.begin(); next != crossings_.end(); ++next)
      std::rotate(std::upper_bound(crossings_.begin(), next, *next, earlier), next, next + 1);
  }

  /// Takes the crossings one after another: counts, new boundaries, the length between them.
  void settle(const SpeedForm& form, const Place& end, bool last) {
    SpeedForm now = form;
    summed_ = form.dd + form.ee;
    Place from = begin_;
    for (const Crossing& crossing : crossings_) {
      if (crossing.place.distance != from.distance) complete(from);
      if (pass_.lengths) add_length(now, from, crossing.place);
      from = crossing.place;
      take(crossing, now);
    }
    if (last || end.distance != from.distance) complete(from);
    if (pass_.lengths) add_length(now, from, end);
  }

  /// All switches at a place are taken. The output vanishes there with the input, or where every neuron is zero at it:
  /// flat at zero, or at the bend, where phi is zero, that it has just passed.
  void complete(const Place& place) {
    std::sort(at_bend_.begin(), at_bend_.end());
    const auto at_bend = std::unique(at_bend_.begin(), at_bend_.end()) - at_bend_.begin();
    at_bend_.clear();
    const bool with_input = at_zero_ && pass_.keeps_zero && place.distance == begin_.distance;
    if (!with_input && (s_.lifted > 0 || at_bend != s_.moving)) return;
    for (auto boundary = merged_.rbegin(); boundary != merged_.rend(); ++boundary) {
      if (boundary->place.distance != place.distance) break;
      boundary->at_zero = true;
    }
  }

  void take(const Crossing& crossing, SpeedForm& form) {
    const auto i = static_cast<std::size_t>(crossing.neuron);
    const auto& threshold = table_.thresholds[static_cast<std::size_t>(crossing.threshold)];
    const auto& before = table_[s_.state[i]];
    const auto& after = table_[crossing.threshold + (crossing.upwards ? 1 : 0)];
    tally_.sign_changes += threshold.is_sign ? 1 : 0;
    if (threshold.is_sign && signs_ != nullptr) signs_->push_back(crossing.place);
    if (threshold.image == 0.0 && after.slope != 0.0) at_bend_.push_back(crossing.neuron);
    if (threshold.is_breakpoint) {
      ++tally_.transitions;
      const double change = after.slope - before.slope;
      Boundary boundary;
      boundary.place = crossing.place;
      boundary.jump = {change * (s_.p[i] - threshold.value), change * s_.q[i], change * s_.r[i]};
      boundary.blur = crossing.blur;
      boundary.structural = (at_zero_ && crossing.place.distance == begin_.distance) ||
                            (ends_at_zero_ && crossing.place.distance == end_.distance);
      boundary.layer = pass_.layer;
      boundary.neuron = crossing.neuron;
      boundary.before = before.piece;
      boundary.after = after.piece;
      merge(boundary);
    }
    s_.set_state(i, crossing.threshold + (crossing.upwards ? 1 : 0), table_);
    if (threshold.is_breakpoint) merged_.back().frozen = frozen_ || s_.moving == 0;
    if (pass_.lengths && after.slope != before.slope) change_form(i, before.slope, after.slope, form);
  }

  void change_form(std::size_t i, double before, double after, SpeedForm& form) {
    const double q = s_.q[i] * s_.scale;
    const double r = s_.r[i] * s_.scale;
    const double change = after * after - before * before;
    form += {change * q * q, change * q * r, change * r * r};
    // What cancellation would leave, few neurons or none, is summed afresh.
    summed_ = std::max(summed_, form.dd + form.ee);
    if (form.dd + form.ee > 1e-3 * summed_) return;
    form = seen_from(0.0, 1.0);
    summed_ = form.dd + form.ee;
  }

  /// The form of velocities at an angle from the stretch's beginning, neuron by neuron.
  SpeedForm seen_from(double sine, double cosine) const {
    SpeedForm form;
    for (std::size_t j = 0; j < s_.p.size(); ++j) {
      const double weight = s_.slope[j] * s_.scale;
      const double y = weight * (s_.q[j] * cosine + s_.r[j] * sine);
      const double z = weight * (s_.r[j] * cosine - s_.q[j] * sine);
      form += {y * y, y * z, z * z};
    }
    return form;
  }

  void add_length(const SpeedForm& form, const Place& from, const Place& to) {
    const double step = to.distance - from.distance;
    if (step > 0.0) tally_.fastest = std::max(tally_.fastest, form.dd + form.ee);
    if constexpr (curved) {
      tally_.length += (nearly_rests(form, from) || nearly_rests(form, to)
                            ? length_about_the_middle(from, step)
                            : image_length(form, from.first, 1.0 - from.second, step)) /
                       s_.scale;
    } else {
      tally_.length += std::sqrt(form.dd) * step / s_.scale;
    }
  }

  /// Whether the speed is so small that the form's terms cancel.
  static bool nearly_rests(const SpeedForm& form, const Place& place) {
    const double sine = place.first;
    const double cosine = 1.0 - place.second;
    return form.dd * cosine * cosine + 2.0 * form.de * sine * cosine + form.ee * sine * sine <
           0.01 * (form.dd + form.ee);
  }

  double length_about_the_middle(const Place& from, double step) const {
    const double half = 0.5 * step;
    const Place middle = Place::on_circle(from.distance + half);
    const SpeedForm ahead = seen_from(middle.first, 1.0 - middle.second);
    const SpeedForm behind{ahead.dd, -ahead.de, ahead.ee};
    return image_length(ahead, 0.0, 1.0, half) + image_length(behind, 0.0, 1.0, half);
  }

  const LayerPass& pass_;
  const StateTable& table_;
  LayerState& s_;
  RowBuffer& passed_;
  std::vector<Boundary>& merged_;
  std::vector<Place>* signs_;
  LayerTally& tally_;
  Place begin_, end_;
  bool frozen_ = false;                // the input on this piece
  bool at_zero_ = false;               // the input at its beginning
  bool ends_at_zero_ = false;          // and at its end
  double summed_ = 0.0;                // the largest form that its rounding errors may stem from
  std::vector<std::int32_t> left_;     // states in which neurons leave zero
  std::vector<std::int32_t> at_bend_;  // neurons that have passed a bend, where phi is zero, at the place in hand
  std::vector<std::size_t> suspects_;
  std::vector<Crossing> crossings_;
};

}  // namespace

template <bool curved>
bool pass_layer(const LayerPass& pass, LayerState& state, RowBuffer& passed, std::vector<Boundary>& merged,
                std::vector<Place>* signs, LayerTally& tally) {
  return Pass<curved>(pass, state, passed, merged, signs, tally).run();
}

template bool pass_layer<false>(const LayerPass&, LayerState&, RowBuffer&, std::vector<Boundary>&, std::vector<Place>*,
                                LayerTally&);
template bool pass_layer<true>(const LayerPass&, LayerState&, RowBuffer&, std::vector<Boundary>&, std::vector<Place>*,
                               LayerTally&);

}  // namespace meander
