// One vectorised step per piece tells whether any neuron may cross a threshold on it.
#include "kernels/linear_regions/exact_step.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

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

}  // namespace

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

void LayerState::resize(int width) {
  const std::size_t size = padded(width);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (std::vector<double>* values : {&p, &q, &r, &value, &value_before, &slope, &noise}) values->assign(size, 0.0);
  lower.assign(size, -infinity);
  upper.assign(size, infinity);
  state.assign(static_cast<std::size_t>(width), 0);
  live.assign(static_cast<std::size_t>(width), 0);
  lifts.assign(static_cast<std::size_t>(width), 0);
  moving = 0;
  lifted = 0;
}

void LayerState::set_state(std::size_t neuron, std::int32_t next, const StateTable& table) {
  state[neuron] = next;
  moving += (table[next].slope != 0.0 ? 1 : 0) - (slope[neuron] != 0.0 ? 1 : 0);
  const std::uint8_t lifts_now = table[next].slope == 0.0 && table[next].intercept != 0.0 ? 1 : 0;
  lifted += lifts_now - lifts[neuron];
  lifts[neuron] = lifts_now;
  lower[neuron] = table[next].lower;
  upper[neuron] = table[next].upper;
  slope[neuron] = table[next].slope;
  if (slope[neuron] != 0.0) live[neuron] = 1;
}

double LayerState::tolerance(std::size_t neuron, const Place& place) const {
  return noise[neuron] + std::abs(q[neuron]) * (rounding * place.first + shift) +
         std::abs(r[neuron]) * (rounding * place.second + shift * place.first);
}

template void advance<false, false, false>(const Step&, LayerState&, SpeedForm&, std::vector<std::size_t>&);
template void advance<false, false, true>(const Step&, LayerState&, SpeedForm&, std::vector<std::size_t>&);
template void advance<false, true, false>(const Step&, LayerState&, SpeedForm&, std::vector<std::size_t>&);
template void advance<false, true, true>(const Step&, LayerState&, SpeedForm&, std::vector<std::size_t>&);
template void advance<true, false, false>(const Step&, LayerState&, SpeedForm&, std::vector<std::size_t>&);
template void advance<true, false, true>(const Step&, LayerState&, SpeedForm&, std::vector<std::size_t>&);
template void advance<true, true, false>(const Step&, LayerState&, SpeedForm&, std::vector<std::size_t>&);
template void advance<true, true, true>(const Step&, LayerState&, SpeedForm&, std::vector<std::size_t>&);

}  // namespace meander
