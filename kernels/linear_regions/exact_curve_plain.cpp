// The plain twin of the exact walk: layer by layer, a list of pieces, each with the affine map of its
// post-activations; every piece is cut where a neuron crosses a threshold.
#include "kernels/linear_regions/exact_curve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <stdexcept>
#include <tuple>

#include "kernels/base/quadrature.hpp"
#include "kernels/curves/curve_direction.hpp"
#include "kernels/linear_regions/exact_plain_rounding.hpp"
#include "kernels/linear_regions/exact_states.hpp"

namespace meander {

namespace {

using namespace plain;
using Pattern = std::vector<int>;
constexpr Real full_turn = 2.0L * std::numbers::pi_v<Real>;

/// x(t) for t in [begin, end], with the states of the layer's neurons, and of all layers up to it.
struct Piece {
  Real begin, end;
  Map map;
  std::vector<int> states;
  Pattern pattern;
  /// Whether x = 0 at an end not by chance but because what it is made of vanishes there.
  bool begins_at_zero = false, ends_at_zero = false;
  /// Standard deviations of x and of its velocity, by component, when products in double are rounded independently.
  Map value_deviation = {}, velocity_deviation = {};
  /// The fastest that each component has been so far, with what it would have been had it switched last of those that
  /// switch with it: sums of jumps keep the rounding of what they add and take away again.
  Map fastest = {};
  /// How far rounding may move `begin`.
  Real blur = 0.0L;
};

/// Where neuron `neuron` meets threshold `threshold`.
struct Root {
  Real t;
  std::size_t neuron, threshold;
};

class PlainWalk {
 public:
  PlainWalk(const Network& network, const Curve& curve) : network_(network), curve_(curve) {}

  ExactCounts run(const ExactOptions& options, std::vector<double>* length_rounding) {
    std::vector<Piece> pieces = inputs();
    ExactCounts counts;
    for (const Piece& piece : pieces) counts.input_length += static_cast<double>(length(piece));
    const StateTable table(*network_.activation().pieces());
    for (int layer = 1; layer <= network_.depth(); ++layer) {
      const auto width = static_cast<std::size_t>(network_.width(layer));
      Matrix matrix{std::vector<double>(width * static_cast<std::size_t>(network_.fan_in(layer))),
                    std::vector<double>(width)};
      network_.weight(layer, std::span<double>(matrix.weight));
      network_.bias(layer, matrix.bias);
      pieces = next_layer(pieces, matrix, table);
      count(pieces, table, layer, options, counts);
      if (length_rounding != nullptr) length_rounding->push_back(rounding_of_length(pieces));
    }
    counts.finite_layers = network_.depth();
    if (network_.readout_outputs() > 0) read_out(pieces, counts);
    return counts;
  }

 private:
  bool line() const { return curve_.kind == CurveKind::line; }
  std::size_t columns() const { return line() ? 2 : 3; }
  static bool are_one(Real a, Real b) { return std::abs(b - a) <= rounding_of_place(static_cast<double>(a)); }

  /// The curve, in parts between its zeros where it lies on a line through the origin.
  std::vector<Piece> inputs() const {
    Piece whole{0.0L, curve_.closed() ? full_turn : 1.0L, {}, {}, {}};
    if (curve_.kind == CurveKind::arc) std::tie(whole.begin, whole.end) = std::minmax(curve_.begin, curve_.end);
    const auto direction = common_direction(curve_);
    const auto append = [&](const std::vector<double>& vector, double factor) {
      for (std::size_t i = 0; i < curve_.u.size(); ++i)
        whole.map.push_back(direction        ? Real{direction->vector[i]} * factor
                            : vector.empty() ? Real{0.0L}
                                             : Real{vector[i]});
    };
    append(curve_.center, direction ? direction->center : 0.0);
    append(curve_.u, direction ? direction->u : 0.0);
    if (!line()) append(curve_.v, direction ? direction->v : 0.0);
    whole.value_deviation.resize(curve_.u.size());
    whole.velocity_deviation.resize(curve_.u.size());
    whole.fastest = amplitudes(whole.map, columns());
    std::vector<Piece> parts{whole};
    if (!direction) return parts;
    for (const double zero :
         zeros(*direction, curve_.kind, static_cast<double>(whole.begin), static_cast<double>(whole.end))) {
      if (are_one(whole.begin, zero)) {
        parts.front().begins_at_zero = true;
      } else if (are_one(whole.end, zero)) {
        parts.back().ends_at_zero = true;
      } else {
        parts.push_back(parts.back());
        parts[parts.size() - 2].end = parts.back().begin = zero;
        parts[parts.size() - 2].ends_at_zero = parts.back().begins_at_zero = true;
        parts.back().blur = rounding_of_place(zero);
      }
    }
    return parts;
  }

  Real value(const Map& map, std::size_t row, Real t) const {
    const std::size_t n = map.size() / columns();
    return line() ? map[row] + map[n + row] * t
                  : map[row] + map[n + row] * std::cos(t) + map[2 * n + row] * std::sin(t);
  }

  /// Where row = level inside the piece. A touch cuts the piece as well; both sides then have one state. A row that is
  /// at the level where the piece begins or ends (`at_begin`, `at_end`) has that root there, wherever rounding puts it.
  std::vector<Real> roots(const Map& map, std::size_t row, Real level, const Piece& piece, bool at_begin,
                          bool at_end) const {
    const std::size_t n = map.size() / columns();
    const Real a = map[n + row];
    if (line()) {
      if (a == 0.0L || at_begin || at_end) return {};
      return {(level - map[row]) / a};
    }
    const Real b = map[2 * n + row];
    const Real cosine = (level - map[row]) / std::hypot(a, b);
    if (!(std::abs(cosine) <= 1.0L)) return {};
    const Real phase = std::atan2(b, a);
    std::vector<Real> angles{phase + std::acos(cosine), phase - std::acos(cosine)};
    const auto drop_nearest = [&](Real t) {
      if (angles.empty()) return;
      angles.erase(std::min_element(angles.begin(), angles.end(), [&](Real x, Real y) {
        return std::abs(std::remainder(x - t, full_turn)) < std::abs(std::remainder(y - t, full_turn));
      }));
    };
    if (at_begin) drop_nearest(piece.begin);
    if (at_end) drop_nearest(piece.end);
    std::vector<Real> found;
    for (const Real angle : angles) {
      for (Real t = angle + full_turn * std::ceil((piece.begin - angle) / full_turn); t < piece.end; t += full_turn)
        found.push_back(t);
    }
    return found;
  }

  std::vector<Piece> next_layer(const std::vector<Piece>& pieces, const Matrix& matrix, const StateTable& table) const {
    std::vector<Piece> result;
    for (const Piece& piece : pieces) cut(piece, matrix, table, result);
    for (std::size_t k = 0; k < result.size(); ++k) {
      const Piece& before = result[k == 0 ? 0 : k - 1];
      for (std::size_t i = 0; i < result[k].fastest.size(); ++i) {
        const double slope =
            std::max(std::abs(table[before.states[i]].slope), std::abs(table[result[k].states[i]].slope));
        result[k].fastest[i] = std::max(slope * result[k].fastest[i], k == 0 ? 0.0L : before.fastest[i]);
      }
    }
    // What vanishes at a place does so on both sides of it.
    for (std::size_t k = 0; k < result.size(); ++k) {
      if (k + 1 == result.size() && !curve_.closed()) break;
      Piece& next = result[(k + 1) % result.size()];
      result[k].ends_at_zero = next.begins_at_zero = result[k].ends_at_zero || next.begins_at_zero;
    }
    return result;
  }

  /// Appends the parts of one piece of the layer's input.
  void cut(const Piece& piece, const Matrix& matrix, const StateTable& table, std::vector<Piece>& result) const {
    const Map h = image(piece.map, matrix);
    const Map values = value_deviations(piece, matrix);
    const Map velocities = deviations(piece.velocity_deviation, piece.fastest, matrix);
    std::vector<Root> crossings;
    for (std::size_t i = 0; i < matrix.bias.size(); ++i) {
      for (std::size_t j = 0; j < table.thresholds.size(); ++j) {
        const double level = table.thresholds[j].value;
        const bool there = matrix.bias[i] == level;
        for (const Real t : roots(h, i, level, piece, there && piece.begins_at_zero, there && piece.ends_at_zero)) {
          if (t > piece.begin && !are_one(piece.begin, t) && t < piece.end && !are_one(piece.end, t))
            crossings.push_back({t, i, j});
        }
      }
    }
    std::vector<Real> cuts{piece.begin};
    std::sort(crossings.begin(), crossings.end(), [](const Root& a, const Root& b) { return a.t < b.t; });
    // Neurons that switch together do so at one place, but for rounding.
    for (const Root& root : crossings) {
      if (!are_one(cuts.back(), root.t)) cuts.push_back(root.t);
    }
    cuts.push_back(piece.end);
    const bool keeps_zero =
        std::all_of(matrix.bias.begin(), matrix.bias.end(), [&](double b) { return network_.activation()(b) == 0.0; });
    for (std::size_t k = 1; k < cuts.size(); ++k) {
      result.push_back(part(h, cuts[k - 1], cuts[k], table, piece.pattern));
      Piece& made = result.back();
      for (std::size_t i = 0; i < values.size(); ++i) {
        const double slope = std::abs(table[made.states[i]].slope);
        made.value_deviation.push_back(slope * values[i]);
        made.velocity_deviation.push_back(slope * velocities[i]);
      }
      made.fastest = amplitudes(h, columns());
      made.blur = k == 1 ? piece.blur : 0.0L;
      for (const Root& root : crossings) {
        if (k > 1 && are_one(made.begin, root.t))
          made.blur = std::max(made.blur, blur_of(h, root, values[root.neuron]));
      }
      made.begins_at_zero = k == 1 ? piece.begins_at_zero && keeps_zero : vanishes(made, cuts[k - 1], crossings, table);
      made.ends_at_zero =
          k + 1 == cuts.size() ? piece.ends_at_zero && keeps_zero : vanishes(made, cuts[k], crossings, table);
    }
  }

  /// Whether every neuron of the part is zero all along, or at t, where it meets a bend at which phi is 0.
  static bool vanishes(const Piece& part, Real t, const std::vector<Root>& crossings, const StateTable& table) {
    std::vector<bool> zero(part.states.size());
    for (std::size_t i = 0; i < zero.size(); ++i)
      zero[i] = table[part.states[i]].slope == 0.0 && table[part.states[i]].intercept == 0.0;
    for (const Root& root : crossings) {
      if (are_one(t, root.t) && table.thresholds[root.threshold].image == 0.0) zero[root.neuron] = true;
    }
    return std::all_of(zero.begin(), zero.end(), [](bool is) { return is; });
  }

  Map image(const Map& map, const Matrix& matrix) const {
    const std::size_t outputs = matrix.bias.size();
    const std::size_t inputs = map.size() / columns();
    Map h(columns() * outputs);
    for (std::size_t c = 0; c < columns(); ++c) {
      for (std::size_t i = 0; i < outputs; ++i) {
        Real sum = c == 0 ? matrix.bias[i] : 0.0;
        for (std::size_t j = 0; j < inputs; ++j) sum += matrix.weight[i * inputs + j] * map[c * inputs + j];
        h[c * outputs + i] = sum;
      }
    }
    return h;
  }

  /// Of h; the bias, known exactly, is rounded with the sum that it is added to.
  Map value_deviations(const Piece& piece, const Matrix& matrix) const {
    Map magnitudes = amplitudes(piece.map, columns());
    const Real reach = line() ? std::max(std::abs(piece.begin), std::abs(piece.end)) : 1.0L;
    for (std::size_t j = 0; j < magnitudes.size(); ++j) magnitudes[j] = std::abs(piece.map[j]) + magnitudes[j] * reach;
    Map result = deviations(piece.value_deviation, magnitudes, matrix);
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = std::hypot(result[i], std::numeric_limits<double>::epsilon() * matrix.bias[i]);
    return result;
  }

  Real blur_of(const Map& map, const Root& root, Real deviation) const {
    const std::size_t n = map.size() / columns();
    const Real a = map[n + root.neuron];
    if (line()) return blur_of_root(root.t, a, 0.0L, deviation);
    const Real b = map[2 * n + root.neuron];
    const Real cosine = std::cos(root.t);
    const Real sine = std::sin(root.t);
    return blur_of_root(root.t, b * cosine - a * sine, a * cosine + b * sine, deviation);
  }

  Piece part(const Map& h, Real begin, Real end, const StateTable& table, const Pattern& before) const {
    Piece piece{begin, end, h, {}, before};
    const std::size_t n = h.size() / columns();
    for (std::size_t i = 0; i < n; ++i) {
      const Real middle = value(h, i, 0.5L * (begin + end));
      const auto above = [&](const auto& threshold) { return middle > threshold.value; };
      const auto state = static_cast<int>(std::count_if(table.thresholds.begin(), table.thresholds.end(), above));
      piece.states.push_back(state);
      piece.pattern.push_back(table[state].piece);
      for (std::size_t c = 0; c < columns(); ++c) piece.map[c * n + i] *= table[state].slope;
      piece.map[i] += table[state].intercept;
    }
    return piece;
  }

  void count(const std::vector<Piece>& pieces, const StateTable& table, int layer, const ExactOptions& options,
             ExactCounts& counts) const {
    std::int64_t transitions = 0, signs = 0, switching = 0;
    Real sum = 0.0L;
    std::set<Pattern> patterns;
    for (std::size_t k = 0; k < pieces.size(); ++k) {
      sum += length(pieces[k]);
      if (options.patterns) patterns.insert(pieces[k].pattern);
      if (k + 1 == pieces.size() && !curve_.closed()) break;
      const Piece& next = pieces[(k + 1) % pieces.size()];
      switching += pieces[k].pattern != next.pattern ? 1 : 0;
      for (std::size_t i = 0; i < next.states.size(); ++i) {
        for (int s = std::min(pieces[k].states[i], next.states[i]); s < std::max(pieces[k].states[i], next.states[i]);
             ++s) {
          const auto& threshold = table.thresholds[static_cast<std::size_t>(s)];
          transitions += threshold.is_breakpoint ? 1 : 0;
          signs += threshold.is_sign ? 1 : 0;
          if (options.events && threshold.is_breakpoint) {
            const bool up = next.states[i] > pieces[k].states[i];
            counts.events.push_back({static_cast<double>(pieces[k].end), layer, static_cast<int>(i),
                                     table[up ? s : s + 1].piece, table[up ? s + 1 : s].piece});
          }
        }
      }
    }
    counts.transitions.push_back(transitions);
    counts.sign_changes.push_back(signs);
    counts.pieces.push_back(curve_.closed() ? std::max<std::int64_t>(1, switching) : switching + 1);
    counts.length.push_back(static_cast<double>(sum));
    if (options.patterns) counts.patterns.push_back(static_cast<std::int64_t>(patterns.size()));
  }

  void read_out(const std::vector<Piece>& pieces, ExactCounts& counts) const {
    const auto width = static_cast<std::size_t>(network_.width(network_.depth()));
    Matrix matrix{std::vector<double>(width * static_cast<std::size_t>(network_.readout_outputs())),
                  std::vector<double>(static_cast<std::size_t>(network_.readout_outputs()))};
    network_.readout_weight(matrix.weight);
    network_.readout_bias(matrix.bias);
    matrix.weight.resize(width);
    matrix.bias.resize(1);
    const std::vector<Piece> parts = next_layer(pieces, matrix, StateTable::of_sign());
    counts.readout_starts_positive = parts.front().states.front() > 0;
    counts.readout_sign_changes = 0;
    for (std::size_t k = 0; k + (curve_.closed() ? 0 : 1) < parts.size(); ++k) {
      if (parts[k].states == parts[(k + 1) % parts.size()].states) continue;
      ++*counts.readout_sign_changes;
      counts.readout_events.push_back(static_cast<double>(parts[k].end));
    }
  }

  /// Boundaries are off by their blur, velocities by the rounding of the sums that they are.
  double rounding_of_length(const std::vector<Piece>& pieces) const {
    Real sum = 0.0L;
    for (const Piece& piece : pieces) {
      Real deviation = 0.0L;
      for (const Real component : piece.velocity_deviation) deviation = std::hypot(deviation, component);
      sum += units * (piece.end - piece.begin) * deviation;
    }
    for (std::size_t k = 1; k < pieces.size(); ++k) {
      Map jump = pieces[k].map;
      for (std::size_t i = 0; i < jump.size(); ++i) jump[i] -= pieces[k - 1].map[i];
      sum += pieces[k].blur * speed(jump, pieces[k].begin);
    }
    return static_cast<double>(sum);
  }

  /// Gauss-Legendre on parts no longer than their distance from where the speed is least, and may vanish.
  Real length(const Piece& piece) const {
    if (line()) return speed(piece.map, piece.begin) * (piece.end - piece.begin);
    const std::size_t n = piece.map.size() / 3;
    Real bb = 0.0L, bc = 0.0L, cc = 0.0L;
    for (std::size_t i = n; i < 2 * n; ++i) {
      bb += piece.map[i] * piece.map[i];
      bc += piece.map[i] * piece.map[n + i];
      cc += piece.map[n + i] * piece.map[n + i];
    }
    // The speed's square is (bb + cc) / 2 + (cc - bb) / 2 cos 2 t - bc sin 2 t.
    return integral(piece.map, piece.begin, piece.end,
                    0.5L * (std::numbers::pi_v<Real> + std::atan2(-2.0L * bc, cc - bb)));
  }
  Real integral(const Map& map, Real begin, Real end, Real least) const {
    static const QuadratureRule rule = gauss_legendre(16);
    const Real middle = 0.5L * (begin + end);
    const Real away = std::abs(std::remainder(middle - least, std::numbers::pi_v<Real>));
    if (end - begin > std::max(1e-12L, std::min(0.5L, away)))
      return integral(map, begin, middle, least) + integral(map, middle, end, least);
    Real sum = 0.0L;
    for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
      const Real t = begin + 0.5L * (end - begin) * (1.0L + rule.nodes[i]);
      sum += 0.5L * (end - begin) * rule.weights[i] * speed(map, t);
    }
    return sum;
  }

  Real speed(const Map& map, Real t) const {
    const std::size_t n = map.size() / columns();
    const Real a = line() ? 1.0L : -std::sin(t);
    const Real b = line() ? 0.0L : std::cos(t);
    Real sum = 0.0L;
    for (std::size_t i = 0; i < n; ++i) {
      const Real velocity = a * map[n + i] + (line() ? 0.0L : b * map[2 * n + i]);
      sum += velocity * velocity;
    }
    return std::sqrt(sum);
  }

  const Network& network_;
  const Curve& curve_;
};

}  // namespace

ExactCounts exact_curve_plain(const Network& network, const Curve& curve, const ExactOptions& options,
                              std::vector<double>* length_rounding) {
  require_one_activation(network, "the exact walk");
  if (network.activation().pieces() == nullptr || curve.dimension() != network.input_dimension())
    throw std::invalid_argument("exact counts need linear pieces and a curve in the network's input space");
  return PlainWalk(network, curve).run(options, length_rounding);
}

}  // namespace meander
