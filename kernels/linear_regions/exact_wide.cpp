// Pieces of one layer after another, each with the affine maps of its neurons, and what rounding makes of them.
#include "kernels/linear_regions/exact_wide.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace meander {

namespace {

/// h = p + q first + r second by neuron (see Place); r is not there on lines.
template <int words>
struct WideMap {
  using Real = WideFloat<words>;
  std::vector<Real> p, q, r;
  /// How far p + q first + r second may be off anywhere on the stretch, in units of 2^-unit.
  std::vector<double> error;

  explicit WideMap(std::size_t size, bool curved) : p(size), q(size), r(curved ? size : 0), error(size) {}
};

template <int words>
struct WidePiece {
  WideFloat<words> from, to;  // z, or the distance on lines
  WideMap<words> map;
};

template <int words, bool curved>
class StretchWalk {
 public:
  using Real = WideFloat<words>;
  using Map = WideMap<words>;
  using Piece = WidePiece<words>;
  using Layer = ExactNetwork::Prepared::Layer;

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
  static constexpr std::int64_t unit = Real::bits - 8;
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

  static Real of_error(double error) { return Real(std::min(error, 1e300)).scaled(-unit); }
  void mistrust(const Real& tolerance) { result_.certain = result_.certain && tolerance.exponent() < uncertain; }

  void begin(const FirstLayer& first, const WideFirstLayer<words>& wide) {
    const WideDirection<words> at = direction(request_.t);
    Real end;
    if constexpr (!curved) {
      end = Real(request_.next) - Real(request_.t);
      first_ = static_cast<double>(end);
    } else {
      const WideDirection<words> next =
          request_.closes ? WideDirection<words>{Real(1.0), Real()} : direction(request_.next);
      const Real sine = next.sine * at.cosine - next.cosine * at.sine;
      const Real cosine = next.cosine * at.cosine + next.sine * at.sine;
      end = sine / (Real(1.0) + cosine);
      first_ = static_cast<double>(sine);
      second_ = 1.0 - static_cast<double>(cosine);
    }
    const std::size_t size = wide.vector.empty() ? wide.u.size() : wide.vector.size();
    Map map(size, curved);
    const auto local = [&](const Real& center, const Real& u, const Real& v) {
      Place3 place;
      if constexpr (curved) {
        const Real f = u * at.cosine + v * at.sine;
        place = {center + f, v * at.cosine - u * at.sine, -f};
      } else {
        place = {center + u * Real(request_.t), u, Real()};
      }
      return place;
    };
    Place3 factor;
    if (!wide.vector.empty()) factor = local(wide.center[0], wide.u[0], curved ? wide.v[0] : Real());
    for (std::size_t i = 0; i < size; ++i) {
      Place3 h;
      if (wide.vector.empty()) {
        h = local(wide.center[i], wide.u[i], curved ? wide.v[i] : Real());
      } else {
        h = {wide.vector[i] * factor.p + Real(first.bias[i]), wide.vector[i] * factor.q, wide.vector[i] * factor.r};
      }
      map.p[i] = h.p;
      map.q[i] = h.q;
      if constexpr (curved) map.r[i] = h.r;
      map.error[i] = wide.error[i];
    }
    end_ = end;
    pieces_.push_back({Real(), end, std::move(map)});
  }

  struct Place3 {
    Real p, q, r;
  };

  static WideDirection<words> direction(double t) {
    if constexpr (!curved) return {};
    const auto at = wide_direction<words + 1>(t);
    return {Real(at.cosine), Real(at.sine)};
  }

  /// W x + b.
  Map image(const Layer& layer, const Map& x) const {
    const auto outputs = static_cast<std::size_t>(layer.outputs);
    const auto inputs = static_cast<std::size_t>(layer.inputs);
    Map h(outputs, curved);
    std::vector<double> magnitude(outputs);
    for (std::size_t i = 0; i < outputs; ++i) {
      h.p[i] = Real(layer.bias[i]);
      magnitude[i] = std::abs(layer.bias[i]);
    }
    const auto add = [&](const Real& by, const double* column, std::vector<Real>& sums) {
      if (by.is_zero()) return;
      for (std::size_t i = 0; i < outputs; ++i) sums[i] += by * column[i];
    };
    for (std::size_t j = 0; j < inputs; ++j) {
      const double* const column = layer.columns.data() + j * layer.stride;
      add(x.p[j], column, h.p);
      add(x.q[j], column, h.q);
      if constexpr (curved) add(x.r[j], column, h.r);
      const double size = amplitude(x, j);
      for (std::size_t i = 0; i < outputs; ++i) {
        magnitude[i] += std::abs(column[i]) * size;
        h.error[i] += std::abs(column[i]) * x.error[j];
      }
    }
    const double rounding = 1.0 + static_cast<double>(inputs) / 64.0;
    for (std::size_t i = 0; i < outputs; ++i) h.error[i] += rounding * magnitude[i];
    return h;
  }

  double amplitude(const Map& x, std::size_t j) const {
    double size = std::abs(static_cast<double>(x.p[j])) + std::abs(static_cast<double>(x.q[j])) * first_;
    if constexpr (curved) size += std::abs(static_cast<double>(x.r[j])) * second_;
    return size;
  }

  /// (h - level) (1 + z^2), or h - level on a line, is g + 2 q z + a z^2 or g + q z.
  struct Polynomial {
    Real g, q, a;
    Real at(const Real& z) const {
      if constexpr (curved) return g + z * (q.scaled(1) + z * a);
      return g + z * q;
    }
  };
  static Polynomial polynomial(const Map& map, std::size_t i, double level) {
    Polynomial result{map.p[i] - Real(level), map.q[i], {}};
    if constexpr (curved) result.a = result.g + map.r[i].scaled(1);
    return result;
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

  /// How far `first` and `second` move along the piece.
  static std::pair<double, double> extent(const Piece& piece) {
    if constexpr (!curved) return {static_cast<double>(piece.to - piece.from), 0.0};
    // sin b - sin a and cos a - cos b are no more than b - a and its sine at b allow.
    const double angle = angle_between(piece.from, piece.to);
    return {angle, angle * std::min(1.0, 2.0 * std::abs(static_cast<double>(piece.to)))};
  }

  static double angle_between(const Real& from, const Real& to) {
    if constexpr (!curved) return static_cast<double>(to - from);
    return 2.0 * std::atan(static_cast<double>((to - from) / (Real(1.0) + from * to)));
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

  static Place place(const Real& z) {
    if constexpr (!curved) return Place::on_line(static_cast<double>(z));
    return Place::on_circle(2.0 * std::atan(static_cast<double>(z)));
  }

  Map post(const Map& h, const StateTable& table, const std::vector<std::int32_t>& states) const {
    Map x(h.p.size(), curved);
    for (std::size_t i = 0; i < states.size(); ++i) {
      const auto& [lower, upper, slope, intercept, piece] = table[states[i]];
      x.p[i] = Real(intercept);
      if (slope == 0.0) continue;
      x.p[i] += h.p[i] * slope;
      x.q[i] = h.q[i] * slope;
      if constexpr (curved) x.r[i] = h.r[i] * slope;
      x.error[i] = std::abs(slope) * h.error[i] + std::abs(slope) * amplitude(h, i) + std::abs(intercept);
    }
    return x;
  }

  double length(const Piece& piece) const {
    if constexpr (!curved) {
      Real square;
      for (const Real& q : piece.map.q) square += q * q;
      return static_cast<double>(sqrt(square) * (piece.to - piece.from));
    } else {
      // Seen from the middle, where the speed changes least: dh/dx = q cos x + r sin x.
      const auto [cosine, sine] = middle(piece);
      Real dd, de, ee;
      for (std::size_t i = 0; i < piece.map.q.size(); ++i) {
        const Real& q = piece.map.q[i];
        const Real& r = piece.map.r[i];
        if (q.is_zero() && r.is_zero()) continue;
        const Real d = q * cosine + r * sine;
        const Real e = r * cosine - q * sine;
        dd += d * d;
        de += d * e;
        ee += e * e;
      }
      const Real size = dd + ee;
      if (size.is_zero()) return 0.0;
      const std::int64_t scale = size.exponent() / 2;
      const SpeedForm ahead{static_cast<double>(dd.scaled(-2 * scale)), static_cast<double>(de.scaled(-2 * scale)),
                            static_cast<double>(ee.scaled(-2 * scale))};
      const SpeedForm behind{ahead.dd, -ahead.de, ahead.ee};
      const double half = 0.5 * angle_between(piece.from, piece.to);
      if (half < 1e-100) return static_cast<double>(sqrt(dd) * (piece.to - piece.from).scaled(1));
      const double sum = image_length(ahead, 0.0, 1.0, half) + image_length(behind, 0.0, 1.0, half);
      return static_cast<double>(Real(sum).scaled(scale));
    }
  }

  static WideDirection<words> of_place(const Real& z) {
    const Real square = z * z;
    const Real inverse = Real(1.0) / (Real(1.0) + square);
    return {(Real(1.0) - square) * inverse, z.scaled(1) * inverse};
  }
  static WideDirection<words> middle(const Piece& piece) {
    const WideDirection<words> a = of_place(piece.from), b = of_place(piece.to);
    const Real cosine = a.cosine + b.cosine, sine = a.sine + b.sine;
    const Real inverse = Real(1.0) / sqrt(cosine * cosine + sine * sine);
    return {cosine * inverse, sine * inverse};
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
  double first_ = 0.0, second_ = 0.0;  // there
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
