// The pass over pieces: one vectorised step per piece tells whether any neuron may cross a threshold
// on it; those few are looked at one by one.
#include "kernels/exact_layer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace meander {

namespace {

constexpr std::size_t lanes = LayerState::lane_count;
using Sums = std::array<double, lanes>;

/// The jump at a piece's beginning and what bounds the values on it.
struct Step {
  const double* u;
  double* passed;
  LocalMap jump;
  Place end;
  /// |h - chord| <= length^2 / 8 |h''|, and rounding, by |q| and |r|.
  double by_q, by_r;
};

double total(const Sums& sums) {
  double sum = 0.0;
  for (const double value : sums) sum += value;
  return sum;
}

/// Appends to `suspects` the first neuron of each group of lanes with one that may reach a threshold.
template <bool curved, bool jumps, bool lengths>
void advance(const Step& step, std::size_t size, LayerState& s, SpeedForm& form, std::vector<std::size_t>& suspects) {
  Sums dd{}, de{}, ee{};
  const double first = step.end.first;
  const double second = step.end.second;
  for (std::size_t i = 0; i < size; i += lanes) {
    std::array<std::int64_t, lanes> near{};
    for (std::size_t k = 0; k < lanes; ++k) {
      double p = s.p[i + k];
      double q = s.q[i + k];
      double r = curved ? s.r[i + k] : 0.0;
      if constexpr (jumps) {
        const double u = step.u[i + k];
        p += u * step.jump.p;
        q += u * step.jump.q;
        s.p[i + k] = p;
        s.q[i + k] = q;
        if constexpr (curved) {
          r += u * step.jump.r;
          s.r[i + k] = r;
        }
        step.passed[i + k] = s.slope[i + k] * u;
      }
      const double before = s.value_before[i + k];
      double margin = s.noise[i + k] + std::abs(q) * step.by_q;
      double after = p + q * first;
      if constexpr (curved) {
        margin += std::abs(r) * step.by_r;
        after += r * second;
      }
      s.value[i + k] = after;
      const double lowest = before < after ? before : after;
      const double highest = before < after ? after : before;
      const double below = lowest - margin - s.lower[i + k];
      const double above = s.upper[i + k] - highest - margin;
      near[k] = (below < above ? below : above) > 0.0 ? 0 : 1;
      if constexpr (lengths) {
        const double y = s.slope[i + k] * q * s.scale;
        dd[k] += y * y;
        if constexpr (curved) {
          const double z = s.slope[i + k] * r * s.scale;
          de[k] += y * z;
          ee[k] += z * z;
        }
      }
    }
    std::int64_t any = 0;
    for (std::size_t k = 0; k < lanes; ++k) any |= near[k];
    if (any != 0) suspects.push_back(i);
  }
  if constexpr (lengths) form = {total(dd), total(de), total(ee)};
}

template <bool curved>
class Pass {
 public:
  Pass(const LayerPass& pass, LayerState& state, RowBuffer& passed, std::vector<Boundary>& merged,
       std::vector<Place>* signs, LayerTally& tally)
      : pass_(pass), table_(*pass.table), s_(state), passed_(passed), merged_(merged), signs_(signs), tally_(tally) {}

  bool run() {
    const std::vector<Boundary>& old = *pass_.boundaries;
    passed_.resize(old.size(), s_.p.size());
    for (std::size_t k = 0; k <= old.size(); ++k) {
      const bool last = k == old.size();
      piece(k, last ? pass_.end : old[k].place, last);
      if (merged_.size() > pass_.most_boundaries) return false;
      if (last) break;
      merged_.push_back(old[k]);
      merged_.back().row = static_cast<std::int32_t>(k);
    }
    for (std::size_t i = 0; i < s_.p.size(); ++i)
      tally_.finite = tally_.finite && std::isfinite(s_.p[i]) && std::isfinite(s_.q[i]) && std::isfinite(s_.r[i]);
    tally_.finite = tally_.finite && std::isfinite(tally_.length);
    return true;
  }

 private:
  void piece(std::size_t index, const Place& end, bool last) {
    suspects_.clear();
    crossings_.clear();
    Step step{nullptr, nullptr, {}, end, 0.0, 0.0};
    const double length = end.distance - begin_.distance;
    const double chord = curved ? 0.125 * length * length : 0.0;
    step.by_q = chord * pass_.end.first + LayerState::rounding * end.first;
    step.by_r = chord + LayerState::rounding * end.second;
    SpeedForm form;
    std::swap(s_.value, s_.value_before);
    if (index == 0) {
      pass_.lengths ? advance<curved, false, true>(step, s_.p.size(), s_, form, suspects_)
                    : advance<curved, false, false>(step, s_.p.size(), s_, form, suspects_);
    } else {
      step.u = (*pass_.pushed)[index - 1];
      step.passed = passed_.row(index - 1);
      step.jump = (*pass_.boundaries)[index - 1].jump;
      pass_.lengths ? advance<curved, true, true>(step, s_.p.size(), s_, form, suspects_)
                    : advance<curved, true, false>(step, s_.p.size(), s_, form, suspects_);
    }
    for (const std::size_t group : suspects_) search(group, end);
    if (last && pass_.closing != nullptr) close(end);
    if (crossings_.size() > 1) sort();
    settle(form, end);
    begin_ = end;
  }

  void search(std::size_t group, const Place& end) {
    const std::size_t stop = std::min(group + lanes, static_cast<std::size_t>(pass_.width));
    for (std::size_t i = group; i < stop; ++i) {
      if (s_.q[i] == 0.0 && s_.r[i] == 0.0 && s_.value_before[i] == s_.value[i]) continue;
      const NeuronPiece neuron{{s_.p[i], s_.q[i], s_.r[i]}, begin_,      end,
                               s_.value_before[i],          s_.value[i], s_.tolerance(i, end),
                               static_cast<std::int32_t>(i)};
      find_crossings<curved>(table_, neuron, s_.state[i], crossings_);
    }
  }

  /// On a closed curve's end, whatever rounding has left open is closed.
  void close(const Place& end) {
    std::vector<std::int32_t> ends = s_.state;
    for (const Crossing& crossing : crossings_)
      ends[static_cast<std::size_t>(crossing.neuron)] += crossing.upwards ? 1 : -1;
    for (std::size_t i = 0; i < static_cast<std::size_t>(pass_.width); ++i) {
      const auto neuron = static_cast<std::int32_t>(i);
      const double blur = s_.tolerance(i, end) / std::abs(s_.q[i] * (1.0 - end.second) + s_.r[i] * end.first);
      while (ends[i] < (*pass_.closing)[i]) crossings_.push_back({end, blur, neuron, ends[i]++, true});
      while (ends[i] > (*pass_.closing)[i]) crossings_.push_back({end, blur, neuron, --ends[i], false});
    }
  }

  /// By place; one neuron's crossings stay in their order.
  void sort() {
    std::stable_sort(crossings_.begin(), crossings_.end(),
                     [](const Crossing& a, const Crossing& b) { return a.place.distance < b.place.distance; });
  }

  /// Takes the crossings one after another: counts, new boundaries, the length between them.
  void settle(const SpeedForm& form, const Place& end) {
    SpeedForm now = form;
    summed_ = form.dd + form.ee;
    Place from = begin_;
    for (const Crossing& crossing : crossings_) {
      if (pass_.lengths) add_length(now, from, crossing.place);
      from = crossing.place;
      take(crossing, now);
    }
    if (pass_.lengths) add_length(now, from, end);
  }

  void take(const Crossing& crossing, SpeedForm& form) {
    const auto i = static_cast<std::size_t>(crossing.neuron);
    const auto& threshold = table_.thresholds[static_cast<std::size_t>(crossing.threshold)];
    const auto& before = table_[s_.state[i]];
    const auto& after = table_[crossing.threshold + (crossing.upwards ? 1 : 0)];
    tally_.sign_changes += threshold.is_sign ? 1 : 0;
    if (threshold.is_sign && signs_ != nullptr) signs_->push_back(crossing.place);
    if (threshold.is_breakpoint) {
      ++tally_.transitions;
      const double change = after.slope - before.slope;
      Boundary boundary;
      boundary.place = crossing.place;
      boundary.jump = {change * (s_.p[i] - threshold.value), change * s_.q[i], change * s_.r[i]};
      boundary.blur = crossing.blur;
      boundary.layer = pass_.layer;
      boundary.neuron = crossing.neuron;
      boundary.before = before.piece;
      boundary.after = after.piece;
      merged_.push_back(boundary);
    }
    s_.set_state(i, crossing.threshold + (crossing.upwards ? 1 : 0), table_);
    if (pass_.lengths && after.slope != before.slope) change_form(i, before.slope, after.slope, form);
  }

  void change_form(std::size_t i, double before, double after, SpeedForm& form) {
    const double q = s_.q[i] * s_.scale;
    const double r = s_.r[i] * s_.scale;
    const double change = after * after - before * before;
    form += {change * q * q, change * q * r, change * r * r};
    // What cancellation would leave, few neurons or none, is summed afresh.
    summed_ = std::max(summed_, form.dd + form.ee);
    if (form.dd + form.ee > 1e-6 * summed_) return;
    form = {};
    for (std::size_t j = 0; j < s_.p.size(); ++j) {
      const double y = s_.slope[j] * s_.q[j] * s_.scale;
      const double z = s_.slope[j] * s_.r[j] * s_.scale;
      form += {y * y, y * z, z * z};
    }
    summed_ = form.dd + form.ee;
  }

  void add_length(const SpeedForm& form, const Place& from, const Place& to) {
    const double step = to.distance - from.distance;
    if constexpr (curved) {
      tally_.length += image_length(form, from.first, 1.0 - from.second, step) / s_.scale;
    } else {
      tally_.length += std::sqrt(form.dd) * step / s_.scale;
    }
  }

  const LayerPass& pass_;
  const StateTable& table_;
  LayerState& s_;
  RowBuffer& passed_;
  std::vector<Boundary>& merged_;
  std::vector<Place>* signs_;
  LayerTally& tally_;
  Place begin_;
  double summed_ = 0.0;  // the largest form that its rounding errors may stem from
  std::vector<std::size_t> suspects_;
  std::vector<Crossing> crossings_;
};

}  // namespace

void LayerState::resize(int width) {
  const std::size_t size = padded(width);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (std::vector<double>* values : {&p, &q, &r, &value, &value_before, &slope, &noise}) values->assign(size, 0.0);
  lower.assign(size, -infinity);
  upper.assign(size, infinity);
  state.assign(static_cast<std::size_t>(width), 0);
  live.assign(static_cast<std::size_t>(width), 0);
}

void LayerState::set_state(std::size_t neuron, std::int32_t next, const StateTable& table) {
  state[neuron] = next;
  lower[neuron] = table[next].lower;
  upper[neuron] = table[next].upper;
  slope[neuron] = table[next].slope;
  if (slope[neuron] != 0.0) live[neuron] = 1;
}

double LayerState::tolerance(std::size_t neuron, const Place& place) const {
  return noise[neuron] +
         rounding * (std::abs(q[neuron]) * std::abs(place.first) + std::abs(r[neuron]) * std::abs(place.second));
}

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
