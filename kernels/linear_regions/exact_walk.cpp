// The start of each layer on a stretch, and the product that pushes all inherited jumps through its
// weights at once.
#include "kernels/linear_regions/exact_walk.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/base/blas.hpp"

namespace meander {

namespace {

/// C (m, n) <- A (m, k) B (k, n), row-major.
void multiply(std::size_t m, std::size_t n, std::size_t k, const double* a, std::size_t lda, const double* b,
              std::size_t ldb, double* c, std::size_t ldc) {
  if (m == 0) return;
  if (k == 0) {
    for (std::size_t i = 0; i < m; ++i) std::fill_n(c + i * ldc, n, 0.0);
    return;
  }
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(m), static_cast<int>(n), static_cast<int>(k),
              1.0, a, static_cast<int>(lda), b, static_cast<int>(ldb), 0.0, c, static_cast<int>(ldc));
}

}  // namespace

template <bool curved>
ExactWalk<curved>::ExactWalk(const ExactNetwork::Prepared& network, const FirstLayer& first, bool lengths)
    : network_(network),
      first_(first),
      lengths_(lengths),
      finite_layers_(static_cast<int>(network.layers.size())),
      initial_(passes()),
      entry_(passes()),
      exit_(passes()) {
  use_one_blas_thread();
}

template <bool curved>
std::size_t ExactWalk<curved>::passes() const {
  return network_.layers.size() + (network_.readout.outputs > 0 ? 1 : 0);
}

template <bool curved>
bool ExactWalk<curved>::readout_starts_positive() const {
  return begun_ && network_.readout.outputs > 0 && !initial_.back().empty() && initial_.back().front() > 0;
}

template <bool curved>
bool ExactWalk<curved>::stretch(double t, double length, bool closing, std::size_t most_places) {
  const Place end = curved ? Place::on_circle(length) : Place::on_line(length);
  mark_zeros(t, length);
  tally_.layers.assign(passes(), {});
  tally_.readout_signs.clear();
  tally_.finite_layers = finite_layers_;
  length_ = length;
  shift_ = LayerState::rounding * (1.0 + std::abs(t));
  noise_.clear();
  for (std::size_t pass = 0; pass < passes(); ++pass) {
    const auto finite = static_cast<std::size_t>(tally_.finite_layers);
    if (is_readout(pass) ? finite < pass : finite <= pass) break;
    if (pass > 0) push(layer_of(pass));
    state_.resize(layer_of(pass).outputs);
    state_.shift = shift_;
    if (pass == 0) {
      start_from_curve(t, length);
    } else {
      start_from_layer_before(layer_of(pass), length);
    }
    if (starts_at_zero_) std::copy(at_zero(pass).begin(), at_zero(pass).end(), state_.p.begin());
    enter(pass);
    if (!pass_through(pass, end, closing, most_places)) return false;
    if (!is_readout(pass)) keep_noise(network_.table);
  }
  return true;
}

template <bool curved>
void ExactWalk<curved>::accept() {
  lengths_before_.resize(tally_.layers.size());
  for (std::size_t l = 0; l < tally_.layers.size(); ++l) lengths_before_[l] += tally_.layers[l].length;
  finite_layers_ = tally_.finite_layers;
  std::swap(entry_, exit_);
  begun_ = true;
}

template <bool curved>
bool ExactWalk<curved>::doubtful() const {
  for (const LayerTally& layer : tally_.layers) {
    if (layer.undecided > 0 || layer.touches > 0) return true;
  }
  if (has_rough_lengths()) return true;
  double begin = 0.0;
  double blur = shift_;
  bool structural = starts_structural_;
  for (const Boundary& boundary : boundaries_) {
    if (boundary.layer < network_.first_layer) continue;  // a zero of the curve
    const double gap = boundary.place.distance - begin;
    const bool for_a_reason = gap == 0.0 && (structural || boundary.structural);
    if (!for_a_reason && gap <= blur + boundary.blur) return true;
    begin = boundary.place.distance;
    blur = boundary.blur;
    structural = boundary.structural;
  }
  return begin > 0.0 && !structural && length_ - begin <= blur + shift_;
}

/// Places are off by what rounding makes of t, and a length by that times the speed.
template <bool curved>
bool ExactWalk<curved>::has_rough_lengths() const {
  return std::any_of(tally_.layers.begin(), tally_.layers.end(), [&](const LayerTally& layer) {
    const auto l = static_cast<std::size_t>(&layer - tally_.layers.data());
    const double before = l < lengths_before_.size() ? lengths_before_[l] : 0.0;
    return layer.fastest * shift_ > 1e-9 * (before + layer.length);
  });
}

template <bool curved>
void ExactWalk<curved>::trust() {
  for (LayerTally& layer : tally_.layers) layer.undecided = layer.touches = 0;
}

template <bool curved>
void ExactWalk<curved>::replace(StretchTally tally, std::vector<Boundary> boundaries,
                                std::vector<std::vector<std::int32_t>> entry,
                                std::vector<std::vector<std::int32_t>> exit) {
  tally_ = std::move(tally);
  boundaries_ = std::move(boundaries);
  if (!begun_) initial_ = entry;
  entry_ = std::move(entry);
  exit_ = std::move(exit);
}

/// A neuron that never had a slope on the stretch passes nothing on.
template <bool curved>
void ExactWalk<curved>::keep_noise(const StateTable& table) {
  double steepest = 0.0;
  for (const auto& state : table.states) steepest = std::max(steepest, std::abs(state.slope));
  noise_.resize(state_.live.size());
  for (std::size_t j = 0; j < noise_.size(); ++j) noise_[j] = state_.live[j] != 0 ? steepest * state_.noise[j] : 0.0;
}

/// Rounding of one neuron has nothing to do with that of another: squares add. Steep layers make much of it.
template <bool curved>
void ExactWalk<curved>::push_noise(const Layer& layer) {
  noise_image_.assign(layer.stride, 0.0);
  double* const __restrict squares = noise_image_.data();
  const double largest = noise_.empty() ? 0.0 : *std::max_element(noise_.begin(), noise_.end());
  if (!(largest > 0.0)) return;
  for (std::size_t j = 0; j < noise_.size(); ++j) {
    const double noise = noise_[j] / largest;
    if (noise == 0.0) continue;
    const double* const __restrict column = layer.column[j];
    for (std::size_t i = 0; i < layer.stride; ++i) squares[i] += column[i] * noise * (column[i] * noise);
  }
  for (std::size_t i = 0; i < layer.stride; ++i) squares[i] = largest * std::sqrt(squares[i]);
}

/// Zeros of the curve at its ends hold for the stretch's ends; those between become boundaries without a jump.
template <bool curved>
void ExactWalk<curved>::mark_zeros(double t, double length) {
  boundaries_.clear();
  rows_.clear();
  starts_at_zero_ = ends_at_zero_ = starts_structural_ = false;
  for (const double zero : first_.zeros) {
    if (are_one_place(zero, t)) {
      starts_at_zero_ = starts_structural_ = true;
    } else if (are_one_place(zero, t + length)) {
      ends_at_zero_ = true;
    } else if (zero > t && zero < t + length) {
      Boundary mark;
      mark.place = curved ? Place::on_circle(zero - t) : Place::on_line(zero - t);
      mark.at_zero = true;
      boundaries_.push_back(mark);
      nothing_.assign(layer_of(0).stride, 0.0);
      rows_.push_back(nothing_.data());
    }
  }
}

/// h = center + u cos(t + x) + v sin(t + x) = (center + f) + g sin x - f (1 - cos x). On a line through the origin one
/// factor for all neurons, so that they vanish together.
template <bool curved>
void ExactWalk<curved>::start_from_curve(double t, double length) {
  const double cosine = curved ? std::cos(t) : t;
  const double sine = curved ? std::sin(t) : 0.0;
  const Curve& curve = first_.preactivations;
  for (std::size_t i = 0; i < curve.u.size(); ++i) {
    const double v = curved ? curve.v[i] : 0.0;
    const double f = curve.u[i] * cosine + v * sine;
    state_.p[i] = curve.center[i] + f;
    if constexpr (curved) {
      state_.q[i] = v * cosine - curve.u[i] * sine;
      state_.r[i] = -f;
      state_.noise[i] = LayerState::rounding * (std::abs(curve.center[i]) + std::abs(curve.u[i]) + std::abs(v));
    } else {
      state_.q[i] = curve.u[i];
      state_.noise[i] = LayerState::rounding * (std::abs(curve.center[i]) + (t + length) * std::abs(curve.u[i]));
    }
  }
  for (std::size_t i = 0; i < first_.noise.size(); ++i) state_.noise[i] += first_.noise[i];
  if (!first_.factor) return;
  const auto& [vector, center, u, v] = *first_.factor;
  const double factor = center + (u * cosine + v * sine);
  for (std::size_t i = 0; i < vector.size(); ++i) state_.p[i] = first_.bias[i] + vector[i] * factor;
}

template <bool curved>
void ExactWalk<curved>::start_from_layer_before(const Layer& layer, double length) {
  const auto inputs = static_cast<std::size_t>(layer.inputs);
  start_image_.resize(3, layer.stride);
  multiply_start(layer);
  push_noise(layer);
  double largest = 0.0;
  for (std::size_t j = 0; j < inputs; ++j)
    largest = std::max(largest, std::abs(start_.row(0)[j]) + length * std::abs(start_.row(1)[j]));
  const double size = largest * std::sqrt(static_cast<double>(inputs));
  for (std::size_t i = 0; i < static_cast<std::size_t>(layer.outputs); ++i) {
    state_.p[i] = start_image_.row(0)[i] + layer.bias[i];
    state_.q[i] = start_image_.row(1)[i];
    if constexpr (curved) state_.r[i] = start_image_.row(2)[i];
    state_.noise[i] = LayerState::rounding * (layer.norm[i] * size + std::abs(layer.bias[i])) + noise_image_[i];
  }
}

/// Most columns belong to saturated neurons, which move neither q nor r.
template <bool curved>
void ExactWalk<curved>::multiply_start(const Layer& layer) {
  double* const p = start_image_.row(0);
  double* const q = start_image_.row(1);
  double* const r = start_image_.row(2);
  std::fill_n(p, 3 * layer.stride, 0.0);
  for (std::size_t j = 0; j < static_cast<std::size_t>(layer.inputs); ++j) {
    const double* const column = layer.column[j];
    const double by_p = start_.row(0)[j];
    const double by_q = start_.row(1)[j];
    const double by_r = start_.row(2)[j];
    for (std::size_t i = 0; i < layer.stride; ++i) p[i] += by_p * column[i];
    if (by_q != 0.0) {
      for (std::size_t i = 0; i < layer.stride; ++i) q[i] += by_q * column[i];
    }
    if (by_r != 0.0) {
      for (std::size_t i = 0; i < layer.stride; ++i) r[i] += by_r * column[i];
    }
  }
}

/// The states with which the neurons enter: those of the stretch before, or the curve's first.
template <bool curved>
void ExactWalk<curved>::enter(std::size_t pass) {
  const StateTable& table = is_readout(pass) ? network_.sign : network_.table;
  if (!begun_) {
    initial_[pass].resize(state_.state.size());
    for (std::size_t i = 0; i < state_.state.size(); ++i) {
      const double tolerance = state_.noise[i] + LayerState::rounding * std::abs(state_.p[i]);
      initial_[pass][i] = table.at_start(state_.p[i], state_.q[i], state_.r[i], tolerance);
      if (!starts_at_zero_ && table.is_within(tolerance, state_.p[i])) ++tally_.layers[pass].touches;
    }
    entry_[pass] = initial_[pass];
  }
  double largest = 0.0;
  for (std::size_t i = 0; i < state_.state.size(); ++i) {
    state_.set_state(i, entry_[pass][i], table);
    largest = std::max({largest, std::abs(state_.q[i]), std::abs(state_.r[i])});
  }
  state_.value = state_.p;
  const bool extreme = largest > 0.0 && std::isfinite(largest) && !(largest > 1e-100 && largest < 1e100);
  state_.scale = extreme ? std::scalbn(1.0, -std::ilogb(largest)) : 1.0;
  if (!is_readout(pass)) keep_start(table);
}

template <bool curved>
void ExactWalk<curved>::keep_start(const StateTable& table) {
  start_.resize(3, state_.p.size());
  for (std::size_t i = 0; i < state_.state.size(); ++i) {
    const auto& state = table[state_.state[i]];
    // A flat piece must not turn an infinite value into NaN.
    const bool flat = state.slope == 0.0;
    start_.row(0)[i] = flat ? state.intercept : state.slope * state_.p[i] + state.intercept;
    start_.row(1)[i] = flat ? 0.0 : state.slope * state_.q[i];
    start_.row(2)[i] = flat ? 0.0 : state.slope * state_.r[i];
  }
}

template <bool curved>
bool ExactWalk<curved>::pass_through(std::size_t pass, const Place& end, bool closing, std::size_t most_places) {
  const Layer& layer = layer_of(pass);
  merged_.clear();
  const LayerPass parameters{is_readout(pass) ? &network_.sign : &network_.table,
                             network_.first_layer + static_cast<int>(pass),
                             layer.outputs,
                             end,
                             lengths_ && !is_readout(pass),
                             closing ? &initial_[pass] : nullptr,
                             &rows_,
                             &boundaries_,
                             pass > 0 && tally_.layers[pass - 1].starts_frozen,
                             at_zero(pass).data(),
                             keeps_zero(pass),
                             ends_at_zero_,
                             most_places};
  LayerTally& tally = tally_.layers[pass];
  if (!pass_layer<curved>(parameters, state_, passed_, merged_, is_readout(pass) ? &tally_.readout_signs : nullptr,
                          tally))
    return false;
  starts_at_zero_ = starts_at_zero_ && keeps_zero(pass);
  ends_at_zero_ = ends_at_zero_ && keeps_zero(pass);
  exit_[pass] = state_.state;
  if (!tally.finite) {
    // Boundaries of this layer mean nothing; those of the layers before stay.
    tally_.finite_layers = std::min(tally_.finite_layers, static_cast<int>(pass));
    return true;
  }
  std::swap(boundaries_, merged_);
  return true;
}

/// Inherited vectors go through the weights in one product, without the neurons that were flat all along; a fresh
/// boundary's image is a column of the weights.
template <bool curved>
void ExactWalk<curved>::push(const Layer& layer) {
  // What was passed are the boundaries before the last layer's own were merged in.
  std::size_t inherited = 0;
  for (const Boundary& boundary : boundaries_) inherited += boundary.row >= 0 ? 1 : 0;
  live_.clear();
  for (std::size_t i = 0; i < static_cast<std::size_t>(layer.inputs); ++i) {
    if (state_.live[i] != 0) live_.push_back(i);
  }
  pushed_.resize(inherited, layer.stride);
  live_columns_.resize(live_.size(), layer.stride);
  live_vectors_.resize(inherited, live_.size());
  if (inherited > 0) {
    for (std::size_t j = 0; j < live_.size(); ++j)
      std::copy_n(layer.column[live_[j]], layer.stride, live_columns_.row(j));
    for (std::size_t k = 0; k < inherited; ++k) {
      const double* from = passed_.row(k);
      double* to = live_vectors_.row(k);
      for (std::size_t j = 0; j < live_.size(); ++j) to[j] = from[live_[j]];
    }
    multiply(inherited, layer.stride, live_.size(), live_vectors_.data(), live_.size(), live_columns_.data(),
             layer.stride, pushed_.data(), layer.stride);
  }
  rows_.clear();
  for (const Boundary& boundary : boundaries_) {
    rows_.push_back(boundary.row >= 0 ? pushed_.row(static_cast<std::size_t>(boundary.row))
                                      : layer.column[static_cast<std::size_t>(boundary.neuron)]);
  }
}

template class ExactWalk<false>;
template class ExactWalk<true>;

}  // namespace meander
