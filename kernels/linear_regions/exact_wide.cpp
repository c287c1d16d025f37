// Pieces of one layer after another, each with the affine maps of its neurons, and what rounding makes of them.
#include "kernels/linear_regions/exact_wide.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/linear_regions/exact_wide_maps.hpp"

namespace meander {

namespace {

template <int words, bool curved>
class StretchWalk : private WideMaps<words, curved> {
 public:
  using Maps = WideMaps<words, curved>;
  using typename Maps::Layer, typename Maps::Map, typename Maps::Piece, typename Maps::Polynomial, typename Maps::Real;

  StretchWalk(const ExactNetwork::Prepared& network, const WideRequest& request, WideStretch& result)
      : network_(network), request_(request), result_(result) {}

  void run(const FirstLayer& first, const WideFirstLayer<words>& wide) {
    begin(first, wide);
    const std::size_t passes = network_.layers.size() + (network_.readout.outputs > 0 ? 1 : 0);
    result_.tally.layers.assign(passes, {});
    result_.tally.finite_layers = request_.finite_layers;
    result_.entry.resize(passes);
    result_.exit.resize(passes);
    for (std::size_t pass = 0; pass < passes; ++pass) {
      const bool readout = pass == network_.layers.size();
      if (readout ? request_.finite_layers < static_cast<int>(pass) : request_.finite_layers <= static_cast<int>(pass))
        break;
      if (pass > 0) {
        const Layer& layer = readout ? network_.readout : network_.layers[pass];
        for (Piece& piece : pieces_) piece.map = image(layer, piece.map);
      }
      cross(pass, readout ? network_.sign : network_.table, readout);
    }
    order();
  }

 private:
  using Maps::angle_between, Maps::extent, Maps::first_, Maps::image, Maps::length, Maps::of_error, Maps::place,
      Maps::polynomial, Maps::post, Maps::second_;

  /// A tie within this much may be more than chance has to offer.
  static constexpr std::int64_t uncertain = -24 * words;

  struct Root {
    Real z, tolerance;
    std::size_t neuron;
  };
  struct Event {
    Real z;
    Boundary boundary;
  };

  void mistrust(const Real& tolerance) { result_.certain = result_.certain && tolerance.exponent() < uncertain; }

  /// p, q and r of one map.
  struct Local {
    Real p, q, r;
  };

  void begin(const FirstLayer& first, const WideFirstLayer<words>& wide) {
    const WideDirection<words> at = direction(request_.t);
    measure(at);
    const std::size_t size = wide.vector.empty() ? wide.u.size() : wide.vector.size();
    Map map(size, curved);
    Local factor;
    if (!wide.vector.empty()) factor = local(at, wide, 0);
    for (std::size_t i = 0; i < size; ++i) {
      const Local h = wide.vector.empty() ? local(at, wide, i)
                                          : Local{wide.vector[i] * factor.p + Real(first.bias[i]),
                                                  wide.vector[i] * factor.q, wide.vector[i] * factor.r};
      map.p[i] = h.p;
      map.q[i] = h.q;
      if constexpr (curved) map.r[i] = h.r;
      map.error[i] = wide.error[i];
    }
    pieces_.push_back({Real(), end_, std::move(map)});
  }

  /// The stretch's end, and how far the curve's functions reach there.
  void measure(const WideDirection<words>& at) {
    if constexpr (!curved) {
      end_ = Real(request_.next) - Real(request_.t);
      first_ = static_cast<double>(end_);
    } else {
      const auto next = request_.closes ? WideDirection<words>{Real(1.0), Real()} : direction(request_.next);
      const Real sine = next.sine * at.cosine - next.cosine * at.sine;
      const Real cosine = next.cosine * at.cosine + next.sine * at.sine;
      end_ = sine / (Real(1.0) + cosine);
      first_ = static_cast<double>(sine);
      second_ = static_cast<double>(Real(1.0) - cosine);
    }
  }

  /// The curve's component i seen from the stretch's beginning.
  Local local(const WideDirection<words>& at, const WideFirstLayer<words>& wide, std::size_t i) const {
    if constexpr (!curved) return {wide.center[i] + wide.u[i] * Real(request_.t), wide.u[i], Real()};
    const Real v = wide.v.empty() ? Real() : wide.v[i];
    const Real f = wide.u[i] * at.cosine + v * at.sine;
    return {wide.center[i] + f, v * at.cosine - wide.u[i] * at.sine, -f};
  }

  static WideDirection<words> direction(double t) {
    if constexpr (!curved) return {};
    const auto at = wide_direction<words + 1>(t);
    return {Real(at.cosine), Real(at.sine)};
  }

  /// The places strictly inside the piece where the neuron meets the level.
  void find_roots(const Polynomial& f, const Piece& piece, std::size_t i, std::vector<Root>& roots) {
    const Real error = of_error(piece.map.error[i]).scaled(1);
    const auto keep = [&](const Real& z, const Real& tolerance) {
      if (z < piece.from - tolerance || z > piece.to + tolerance) return;
      if (z <= piece.from + tolerance || z >= piece.to - tolerance) {
        mistrust(tolerance);
      } else {
        roots.push_back({z, tolerance, i});
      }
    };
    if constexpr (!curved) {
      if (!f.q.is_zero()) keep(-f.g / f.q, error / abs(f.q));
      return;
    }
    const Real discriminant = f.q * f.q - f.g * f.a;
    if (discriminant.sign() <= 0) return;
    const Real root = sqrt(discriminant);
    const Real far = -(f.q.sign() < 0 ? f.q - root : f.q + root);
    // Beside a touch the two roots are as far apart as rounding of the level puts them.
    const Real blurred = sqrt(error * abs(f.a));
    const Real tolerance = error / (root < blurred ? blurred : root);
    keep(f.g / far, tolerance);
    if (!f.a.is_zero()) keep(far / f.a, tolerance);
  }

  void cross(std::size_t pass, const StateTable& table, bool readout) {
    std::vector<std::int32_t>& states = result_.exit[pass];
    const bool begins = request_.entry == nullptr || (*request_.entry)[pass].empty();
    if (!begins) states = (*request_.entry)[pass];
    result_.entry[pass] = states;
    std::vector<Piece> made;
    for (const Piece& piece : pieces_) {
      const std::vector<Real> cuts = cuts_of(piece, table);
      for (std::size_t k = 0; k + 1 < cuts.size(); ++k) {
        const bool first = begins && made.empty() && k == 0;
        switch_states(pass, piece, cuts[k], cuts[k + 1], table, k == 0, first, states);
        if (first) result_.entry[pass] = states;
        Piece part{cuts[k], cuts[k + 1], post(piece.map, table, states)};
        if (request_.lengths && !readout) result_.tally.layers[pass].length += length(part);
        made.push_back(std::move(part));
      }
    }
    if (request_.closes) {
      const auto& initial = begins ? result_.entry[pass] : (*request_.initial)[pass];
      for (std::size_t i = 0; i < states.size(); ++i) take(pass, i, initial[i], made.back().to, table, states);
    }
    pieces_ = std::move(made);
  }

  /// Where the piece is cut, its ends included; fills `constant_` with the states of neurons that do not come near a
  /// threshold on it, and -1 for others.
  std::vector<Real> cuts_of(const Piece& piece, const StateTable& table) {
    const std::size_t size = piece.map.p.size();
    const auto [first, second] = extent(piece);
    constant_.assign(size, 0);
    std::vector<Root> roots;
    for (std::size_t i = 0; i < size; ++i) {
      double way = std::abs(static_cast<double>(piece.map.q[i])) * first;
      if constexpr (curved) way += std::abs(static_cast<double>(piece.map.r[i])) * second;
      const double reach = 1.001 * way + 4.0 * static_cast<double>(of_error(piece.map.error[i]));
      for (const auto& threshold : table.thresholds) {
        const Polynomial f = polynomial(piece.map, i, threshold.value);
        const double value = static_cast<double>(f.at(piece.from));
        if (std::abs(value) > 1.5 * reach && std::isfinite(value)) {
          if (constant_[i] >= 0) constant_[i] += value > 0.0 ? 1 : 0;
        } else {
          constant_[i] = -1;
          find_roots(f, piece, i, roots);
        }
      }
    }
    std::sort(roots.begin(), roots.end(), [](const Root& a, const Root& b) { return a.z < b.z; });
    std::vector<Real> cuts{piece.from};
    Real blur;
    for (const Root& root : roots) {
      if (cuts.size() > 1 && root.z - cuts.back() <= root.tolerance + blur) {
        mistrust(root.tolerance + blur);
        blur = std::max(blur, root.tolerance);
      } else {
        cuts.push_back(root.z);
        blur = root.tolerance;
      }
    }
    cuts.push_back(piece.to);
    return cuts;
  }

  /// To the states in the middle of [from, to], at `from`.
  void switch_states(std::size_t pass, const Piece& piece, const Real& from, const Real& to, const StateTable& table,
                     bool at_border, bool begins, std::vector<std::int32_t>& states) {
    const Real middle = (from + to).scaled(-1);
    if (begins) states.assign(piece.map.p.size(), 0);
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (constant_[i] >= 0 && !at_border) continue;
      const std::int32_t state = constant_[i] >= 0 ? constant_[i] : state_at(piece.map, i, middle, table);
      if (begins) {
        states[i] = state;
      } else {
        take(pass, i, state, from, table, states);
      }
    }
  }

  /// A neuron on a threshold is not above it.
  std::int32_t state_at(const Map& map, std::size_t i, const Real& z, const StateTable& table) {
    std::int32_t state = 0;
    const Real error = of_error(map.error[i]).scaled(1);
    for (const auto& threshold : table.thresholds) {
      const Real value = polynomial(map, i, threshold.value).at(z);
      if (value > error) ++state;
      if (abs(value) <= error && !value.is_zero()) mistrust(error);
    }
    return state;
  }

  void take(std::size_t pass, std::size_t i, std::int32_t state, const Real& z, const StateTable& table,
            std::vector<std::int32_t>& states) {
    while (states[i] != state) {
      const bool up = state > states[i];
      const std::int32_t next = states[i] + (up ? 1 : -1);
      const auto& threshold = table.thresholds[static_cast<std::size_t>(up ? states[i] : next)];
      LayerTally& tally = result_.tally.layers[pass];
      if (threshold.is_sign) {
        ++tally.sign_changes;
        if (pass == network_.layers.size()) result_.tally.readout_signs.push_back(place(z));
      }
      if (threshold.is_breakpoint) {
        ++tally.transitions;
        Event event{z, {}};
        event.boundary.place = place(z);
        event.boundary.layer = network_.first_layer + static_cast<int>(pass);
        event.boundary.neuron = static_cast<std::int32_t>(i);
        event.boundary.before = table[states[i]].piece;
        event.boundary.after = table[next].piece;
        events_.push_back(std::move(event));
      }
      states[i] = next;
    }
  }

  void order() {
    std::stable_sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) { return a.z < b.z; });
    Real before;
    std::int32_t rank = 0;
    for (Event& event : events_) {
      const bool one = event.z == before;
      if (!one && !result_.boundaries.empty()) ++rank;
      event.boundary.fine = {rank, one ? 0.0 : angle_between(before, event.z), angle_between(Real(), event.z),
                             angle_between(event.z, end_)};
      result_.boundaries.push_back(event.boundary);
      before = event.z;
    }
    // As many as the next stretch's length is chosen by.
    for (LayerTally& layer : result_.tally.layers) layer.places = static_cast<std::size_t>(rank) + 1;
  }

  const ExactNetwork::Prepared& network_;
  const WideRequest& request_;
  WideStretch& result_;
  Real end_;
  std::vector<Piece> pieces_;
  std::vector<std::int32_t> constant_;
  std::vector<Event> events_;
};

/// Images of the curve's vectors, from the input where it is known.
template <int words>
WideFirstLayer<words> wide_first_layer(const FirstLayer& first) {
  using Real = WideFloat<words>;
  WideFirstLayer<words> wide;
  const auto of_doubles = [](const std::vector<double>& values) {
    return std::vector<Real>(values.begin(), values.end());
  };
  if (first.weight.empty()) {
    wide.center = of_doubles(first.preactivations.center);
    wide.u = of_doubles(first.preactivations.u);
    wide.v = of_doubles(first.preactivations.v);
    for (std::size_t i = 0; i < wide.u.size(); ++i) {
      double size = std::abs(first.preactivations.center[i]) + std::abs(first.preactivations.u[i]);
      if (!wide.v.empty()) size += std::abs(first.preactivations.v[i]);
      wide.error.push_back(8.0 * size);
    }
    return wide;
  }
  const std::size_t inputs = first.input.u.size();
  const std::size_t outputs = first.bias.size();
  wide.error.resize(outputs);
  const double rounding = 8.0 + static_cast<double>(inputs) / 64.0;
  const auto image = [&](const std::vector<double>& x, double factor) {
    std::vector<Real> h(x.empty() ? 0 : outputs);
    for (std::size_t i = 0; i < h.size(); ++i) {
      double magnitude = 0.0;
      for (std::size_t k = 0; k < inputs; ++k) {
        h[i] += Real(x[k]) * first.weight[i * inputs + k];
        magnitude += std::abs(x[k] * first.weight[i * inputs + k]);
      }
      wide.error[i] += rounding * magnitude * factor;
    }
    return h;
  };
  if (first.factor) {
    const double largest = std::abs(first.factor->center) + std::abs(first.factor->u) + std::abs(first.factor->v);
    wide.vector = image(first.input_direction, largest);
    wide.center = {Real(first.factor->center)};
    wide.u = {Real(first.factor->u)};
    wide.v = {Real(first.factor->v)};
  } else {
    wide.center = image(first.input.center, 1.0);
    wide.u = image(first.input.u, 1.0);
    wide.v = image(first.input.v, 1.0);
    for (std::size_t i = 0; i < outputs; ++i) wide.center[i] += Real(first.bias[i]);
  }
  for (std::size_t i = 0; i < outputs; ++i) wide.error[i] += 8.0 * std::abs(first.bias[i]);
  return wide;
}

}  // namespace

template <int words>
WideStretch WideWalk::walk_with(const WideRequest& request, WideFirstLayer<words>& kept) {
  if (kept.error.empty()) kept = wide_first_layer<words>(first_);
  WideStretch result;
  if (first_.preactivations.kind == CurveKind::line) {
    StretchWalk<words, false>(network_, request, result).run(first_, kept);
  } else {
    StretchWalk<words, true>(network_, request, result).run(first_, kept);
  }
  return result;
}

WideStretch WideWalk::walk(const WideRequest& request) {
  WideStretch result = walk_with(request, four_);
  if (!result.certain) result = walk_with(request, sixteen_);
  if (!result.certain) result = walk_with(request, most_);
  return result;
}

}  // namespace meander
