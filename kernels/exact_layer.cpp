// The pass over pieces: one vectorised step per piece tells whether any neuron may cross a threshold
// on it; those few are looked at one by one.
#include "kernels/exact_layer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace meander {

namespace {

constexpr std::size_t lanes = LayerState::lane_count;
/// A vector register's worth of neurons, or as many registers as the machine needs for it.
using Lanes [[gnu::vector_size(lanes * sizeof(double))]] = double;
using Bytes [[gnu::vector_size(lanes)]] = std::int8_t;
using Mask [[gnu::vector_size(lanes * sizeof(double))]] = std::int64_t;

void load(const double* from, Lanes& to) {
  std::memcpy(&to, from, sizeof(Lanes));
}
void store(const Lanes& from, double* to) {
  std::memcpy(to, &from, sizeof(Lanes));
}

/// The jump at a piece's beginning and what bounds the values on it.
struct Step {
  const double* u;
  double* passed;
  LocalMap jump;
  Place end;
  /// |h - chord| <= length^2 / 8 |h''|, and rounding, by |q| and |r|.
  double by_q, by_r;
};

double total(const Lanes& sums) {
  double sum = 0.0;
  for (std::size_t k = 0; k < lanes; ++k) sum += sums[k];
  return sum;
}

/// A byte for each lane.
std::uint64_t bytes_of(const Mask& mask) {
  static_assert(lanes == sizeof(std::uint64_t) && std::endian::native == std::endian::little);
  const Bytes bytes = __builtin_convertvector(mask, Bytes);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &bytes, sizeof bits);
  return bits;
}

/// Appends to `suspects` the neurons that may reach a threshold.
template <bool curved, bool jumps, bool lengths>
void advance(const Step& step, LayerState& s, SpeedForm& form, std::vector<std::size_t>& suspects) {
  // No array overlaps another: without the compiler's knowing, every store would make it read all pointers anew.
  double* const __restrict ps = s.p.data();
  double* const __restrict qs = s.q.data();
  double* const __restrict rs = s.r.data();
  double* const __restrict noises = s.noise.data();
  double* const __restrict values = s.value.data();
  double* const __restrict images = step.passed;
  const double* const __restrict us = step.u;
  const double* const __restrict slopes = s.slope.data();
  const double* const __restrict values_before = s.value_before.data();
  const double* const __restrict lowers = s.lower.data();
  const double* const __restrict uppers = s.upper.data();
  const LocalMap jump = step.jump;
  const Place end = step.end;
  const double by_q = step.by_q;
  const double by_r = step.by_r;
  const double scale = s.scale;
  const std::size_t size = s.p.size();
  Lanes dd{}, de{}, ee{};
  Lanes p, q, r{}, slope, before, noise, lower, upper;
  for (std::size_t i = 0; i < size; i += lanes) {
    load(ps + i, p);
    load(qs + i, q);
    if constexpr (curved) load(rs + i, r);
    load(slopes + i, slope);
    load(noises + i, noise);
    if constexpr (jumps) {
      Lanes u;
      load(us + i, u);
      p += u * jump.p;
      q += u * jump.q;
      store(p, ps + i);
      store(q, qs + i);
      if constexpr (curved) {
        r += u * jump.r;
        store(r, rs + i);
      }
      const Lanes error = (p < 0.0 ? -p : p) * LayerState::rounding;
      noise = noise < error ? error : noise;
      store(noise, noises + i);
      store(slope * u, images + i);
    }
    load(values_before + i, before);
    load(lowers + i, lower);
    load(uppers + i, upper);
    Lanes after = p + q * end.first;
    Lanes margin = noise + (q < 0.0 ? -q : q) * by_q;
    if constexpr (curved) {
      after += r * end.second;
      margin += (r < 0.0 ? -r : r) * by_r;
    }
    store(after, values + i);
    const Mask clear =
        ((before < after ? before : after) - margin > lower) & ((before < after ? after : before) + margin < upper);
    for (std::uint64_t unclear = bytes_of(~clear); unclear != 0;) {
      const auto lane = static_cast<std::size_t>(std::countr_zero(unclear)) / 8;
      suspects.push_back(i + lane);
      unclear &= ~(std::uint64_t{0xff} << (8 * lane));
    }
    if constexpr (lengths) {
      const Lanes weight = slope * scale;
      const Lanes y = weight * q;
      dd += y * y;
      if constexpr (curved) {
        const Lanes z = weight * r;
        de += y * z;
        ee += z * z;
      }
    }
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
    frozen_ = pass_.starts_frozen;
    fastest_ = pass_.starts_speed;
    tally_.starts_frozen = frozen_ || s_.moving == 0;
    for (std::size_t k = 0; k <= old.size(); ++k) {
      const bool last = k == old.size();
      piece(k, last ? pass_.end : old[k].place, last);
      if (tally_.places > pass_.most_places) return false;
      if (last) break;
      merge(old[k]);
      merged_.back().row = static_cast<std::int32_t>(k);
      frozen_ = old[k].frozen;
      fastest_ = std::max(fastest_, old[k].speed);
      merged_.back().frozen = frozen_ || s_.moving == 0;
    }
    for (std::size_t i = 0; i < s_.p.size(); ++i)
      tally_.finite = tally_.finite && std::isfinite(s_.p[i]) && std::isfinite(s_.q[i]) && std::isfinite(s_.r[i]);
    tally_.finite = tally_.finite && std::isfinite(tally_.length);
    return true;
  }

 private:
  void merge(const Boundary& boundary) {
    const bool apart = merged_.empty() || boundary.place.distance - merged_.back().place.distance > s_.shift;
    tally_.places += apart ? 1 : 0;
    merged_.push_back(boundary);
  }

  void piece(std::size_t index, const Place& end, bool last) {
    suspects_.clear();
    crossings_.clear();
    Step step{nullptr, nullptr, {}, end, 0.0, 0.0};
    const double length = end.distance - begin_.distance;
    const double chord = curved ? 0.125 * length * length : 0.0;
    step.by_q = chord * pass_.end.first + LayerState::rounding * end.first + s_.shift;
    step.by_r = chord + LayerState::rounding * end.second + s_.shift * end.first;
    SpeedForm form;
    std::swap(s_.value, s_.value_before);
    const bool forms = pass_.lengths || pass_.speeds;
    if (index == 0) {
      forms ? advance<curved, false, true>(step, s_, form, suspects_)
            : advance<curved, false, false>(step, s_, form, suspects_);
    } else {
      step.u = (*pass_.pushed)[index - 1];
      step.passed = passed_.row(index - 1);
      step.jump = (*pass_.boundaries)[index - 1].jump;
      forms ? advance<curved, true, true>(step, s_, form, suspects_)
            : advance<curved, true, false>(step, s_, form, suspects_);
    }
    // Between boundaries at one place, rounding aside, there is no piece to look at.
    if (length > s_.shift) {
      for (const std::size_t neuron : suspects_) search(neuron, end, last);
    }
    if (!crossings_.empty()) gather(end);
    if (last && pass_.closing != nullptr) close(end);
    settle(form, end);
    begin_ = end;
  }

  void search(std::size_t i, const Place& end, bool last) {
    if (frozen_ || (s_.q[i] == 0.0 && s_.r[i] == 0.0)) {
      rest(i);
      return;
    }
    const double tolerance = s_.tolerance(i, end);
    NeuronPiece neuron{
        {s_.p[i], s_.q[i], s_.r[i]}, begin_, end, s_.value_before[i], s_.value[i], tolerance, tolerance, tolerance,
        static_cast<std::int32_t>(i)};
    const std::size_t known = crossings_.size();
    find_crossings<curved>(table_, neuron, s_.state[i], crossings_);
    if (crossings_.size() == known || !at_an_end(known, end)) return;
    crossings_.resize(known);
    neuron.from_tolerance = std::max(tolerance, tie(i));
    // The stretch's end is no boundary.
    if (!last) neuron.to_tolerance = neuron.from_tolerance;
    find_crossings<curved>(table_, neuron, s_.state[i], crossings_);
  }

  bool at_an_end(std::size_t first, const Place& end) const {
    constexpr double near = 1e-8;
    return pass_.tied_norm != nullptr && std::any_of(crossings_.begin() + static_cast<std::ptrdiff_t>(first),
                                                     crossings_.end(), [&](const Crossing& crossing) {
                                                       return crossing.place.distance - begin_.distance < near ||
                                                              end.distance - crossing.place.distance < near;
                                                     });
  }

  double tie(std::size_t i) const {
    return pass_.tied_norm == nullptr ? 0.0 : pass_.tied_norm[i] * fastest_ * 16.0 * s_.shift;
  }

  /// A neuron that stays on a threshold is not above it.
  void rest(std::size_t i) {
    const double tolerance = std::max(s_.tolerance(i, begin_), tie(i));
    const std::int32_t threshold = s_.state[i] - 1;
    if (std::abs(s_.value[i] - s_.lower[i]) <= tolerance)
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
  void settle(const SpeedForm& form, const Place& end) {
    SpeedForm now = form;
    summed_ = form.dd + form.ee;
    if (pass_.speeds) start_speed(now);
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
      merge(boundary);
    }
    s_.set_state(i, crossing.threshold + (crossing.upwards ? 1 : 0), table_);
    if (threshold.is_breakpoint) merged_.back().frozen = frozen_ || s_.moving == 0;
    if ((pass_.lengths || pass_.speeds) && after.slope != before.slope) change_form(i, before.slope, after.slope, form);
    if (pass_.speeds && threshold.is_breakpoint) merged_.back().speed = speed(form);
  }

  double speed(const SpeedForm& form) const { return std::sqrt(form.dd + form.ee) / s_.scale; }

  /// Of the post-activations after the boundary at this piece's beginning, which is merged in already.
  void start_speed(const SpeedForm& form) {
    (merged_.empty() ? tally_.starts_speed : merged_.back().speed) = speed(form);
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
  Place begin_;
  bool frozen_ = false;   // the input on this piece
  double fastest_ = 0.0;  // the input on this stretch so far
  double summed_ = 0.0;   // the largest form that its rounding errors may stem from
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
  moving = 0;
}

void LayerState::set_state(std::size_t neuron, std::int32_t next, const StateTable& table) {
  state[neuron] = next;
  moving += (table[next].slope != 0.0 ? 1 : 0) - (slope[neuron] != 0.0 ? 1 : 0);
  lower[neuron] = table[next].lower;
  upper[neuron] = table[next].upper;
  slope[neuron] = table[next].slope;
  if (slope[neuron] != 0.0) live[neuron] = 1;
}

double LayerState::tolerance(std::size_t neuron, const Place& place) const {
  return noise[neuron] + std::abs(q[neuron]) * (rounding * place.first + shift) +
         std::abs(r[neuron]) * (rounding * place.second + shift * place.first);
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
