// The plain twin of the exact walk: layer by layer, a list of pieces, each with the affine map of its
// post-activations; every piece is cut where a neuron crosses a threshold.
#include "kernels/exact_curve.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <stdexcept>
#include <tuple>

#include "kernels/blas.hpp"
#include "kernels/exact_states.hpp"
#include "kernels/quadrature.hpp"

namespace meander {

namespace {

using Pattern = std::vector<int>;

/// Three columns, or two on a line: constant, cos t, sin t or constant, t. Column c of n neurons: map[c n ...].
using Map = std::vector<double>;

/// x(t) for t in [begin, end], with the states of the layer's neurons, and of all layers up to it.
struct Piece {
  double begin, end;
  Map map;
  std::vector<int> states;
  Pattern pattern;
};

class PlainWalk {
 public:
  PlainWalk(const Network& network, const Curve& curve) : network_(network), curve_(curve) {}

  ExactCounts run(const ExactOptions& options) {
    Piece whole{0.0, curve_.closed() ? 2.0 * std::numbers::pi : 1.0, curve_.center, {}, {}};
    if (curve_.kind == CurveKind::arc) std::tie(whole.begin, whole.end) = std::minmax(curve_.begin, curve_.end);
    whole.map.resize(curve_.u.size(), 0.0);
    whole.map.insert(whole.map.end(), curve_.u.begin(), curve_.u.end());
    if (!line()) whole.map.insert(whole.map.end(), curve_.v.begin(), curve_.v.end());
    ExactCounts counts;
    counts.input_length = length(whole);
    std::vector<Piece> pieces{whole};
    const StateTable table(*network_.activation().pieces());
    for (int layer = 1; layer <= network_.depth(); ++layer) {
      const auto width = static_cast<std::size_t>(network_.width(layer));
      std::vector<double> weight(width * static_cast<std::size_t>(network_.fan_in(layer)));
      std::vector<double> bias(width);
      network_.weight(layer, std::span<double>(weight));
      network_.bias(layer, bias);
      pieces = next_layer(pieces, weight, bias, table);
      count(pieces, table, layer, options, counts);
    }
    counts.finite_layers = network_.depth();
    if (network_.readout_outputs() > 0) read_out(pieces, counts);
    return counts;
  }

 private:
  bool line() const { return curve_.kind == CurveKind::line; }
  std::size_t columns() const { return line() ? 2 : 3; }

  double value(const Map& map, std::size_t row, double t) const {
    const std::size_t n = map.size() / columns();
    return line() ? map[row] + map[n + row] * t
                  : map[row] + map[n + row] * std::cos(t) + map[2 * n + row] * std::sin(t);
  }

  /// Where row = level inside (begin, end). A touch cuts the piece as well; both sides then have one state.
  void roots(const Map& map, std::size_t row, double level, const Piece& piece, std::vector<double>& cuts) const {
    const auto keep = [&](double t) {
      // Crossings at the piece's ends come out beside them by rounding.
      if (t - piece.begin > 1e-12 && piece.end - t > 1e-12) cuts.push_back(t);
    };
    const std::size_t n = map.size() / columns();
    const double a = map[n + row];
    if (line()) {
      if (a != 0.0) keep((level - map[row]) / a);
      return;
    }
    const double b = map[2 * n + row];
    const double cosine = (level - map[row]) / std::hypot(a, b);
    if (!(std::abs(cosine) <= 1.0)) return;
    const double phase = std::atan2(b, a);
    const double full = 2.0 * std::numbers::pi;
    for (const double angle : {phase + std::acos(cosine), phase - std::acos(cosine)}) {
      const double first = angle + full * std::ceil((piece.begin - angle) / full);
      for (double t = first; t < piece.end; t += full) keep(t);
    }
  }

  std::vector<Piece> next_layer(const std::vector<Piece>& pieces, const std::vector<double>& weight,
                                const std::vector<double>& bias, const StateTable& table) const {
    std::vector<Piece> result;
    for (const Piece& piece : pieces) {
      const Map h = image(piece.map, weight, bias);
      std::vector<double> cuts{piece.begin, piece.end};
      for (std::size_t i = 0; i < bias.size(); ++i) {
        for (const auto& threshold : table.thresholds) roots(h, i, threshold.value, piece, cuts);
      }
      std::sort(cuts.begin(), cuts.end());
      // Neurons that switch together do so at one place, but for rounding.
      const auto is_one = [](double a, double b) { return b - a <= 1e-12; };
      cuts.erase(std::unique(cuts.begin(), cuts.end(), is_one), cuts.end());
      for (std::size_t k = 1; k < cuts.size(); ++k)
        result.push_back(part(h, cuts[k - 1], cuts[k], table, piece.pattern));
    }
    return result;
  }

  Map image(const Map& map, const std::vector<double>& weight, const std::vector<double>& bias) const {
    const int outputs = static_cast<int>(bias.size());
    const int inputs = static_cast<int>(map.size() / columns());
    Map h(columns() * bias.size());
    multiply_transposed(static_cast<int>(columns()), outputs, inputs, map.data(), inputs, weight.data(), inputs,
                        h.data(), outputs);
    for (std::size_t i = 0; i < bias.size(); ++i) h[i] += bias[i];
    return h;
  }

  Piece part(const Map& h, double begin, double end, const StateTable& table, const Pattern& before) const {
    Piece piece{begin, end, h, {}, before};
    const std::size_t n = h.size() / columns();
    for (std::size_t i = 0; i < n; ++i) {
      const double middle = value(h, i, 0.5 * (begin + end));
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
    double sum = 0.0;
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
            counts.events.push_back(
                {pieces[k].end, layer, static_cast<int>(i), table[up ? s : s + 1].piece, table[up ? s + 1 : s].piece});
          }
        }
      }
    }
    counts.transitions.push_back(transitions);
    counts.sign_changes.push_back(signs);
    counts.pieces.push_back(curve_.closed() ? std::max<std::int64_t>(1, switching) : switching + 1);
    counts.length.push_back(sum);
    if (options.patterns) counts.patterns.push_back(static_cast<std::int64_t>(patterns.size()));
  }

  void read_out(const std::vector<Piece>& pieces, ExactCounts& counts) const {
    const auto width = static_cast<std::size_t>(network_.width(network_.depth()));
    std::vector<double> weight(width * static_cast<std::size_t>(network_.readout_outputs()));
    std::vector<double> bias(static_cast<std::size_t>(network_.readout_outputs()));
    network_.readout_weight(weight);
    network_.readout_bias(bias);
    weight.resize(width);
    bias.resize(1);
    const std::vector<Piece> parts = next_layer(pieces, weight, bias, StateTable::of_sign());
    counts.readout_starts_positive = parts.front().states.front() > 0;
    counts.readout_sign_changes = 0;
    for (std::size_t k = 0; k + (curve_.closed() ? 0 : 1) < parts.size(); ++k) {
      if (parts[k].states == parts[(k + 1) % parts.size()].states) continue;
      ++*counts.readout_sign_changes;
      counts.readout_events.push_back(parts[k].end);
    }
  }

  /// Gauss-Legendre on parts no longer than their distance from where the speed is least, and may vanish.
  double length(const Piece& piece) const {
    if (line()) return speed(piece.map, 1.0, 0.0) * (piece.end - piece.begin);
    const std::size_t n = piece.map.size() / 3;
    double bb = 0.0, bc = 0.0, cc = 0.0;
    for (std::size_t i = n; i < 2 * n; ++i) {
      bb += piece.map[i] * piece.map[i];
      bc += piece.map[i] * piece.map[n + i];
      cc += piece.map[n + i] * piece.map[n + i];
    }
    // The speed's square is (bb + cc) / 2 + (cc - bb) / 2 cos 2 t - bc sin 2 t.
    return integral(piece.map, piece.begin, piece.end, 0.5 * (std::numbers::pi + std::atan2(-2.0 * bc, cc - bb)));
  }
  double integral(const Map& map, double begin, double end, double least) const {
    static const QuadratureRule rule = gauss_legendre(16);
    const double middle = 0.5 * (begin + end);
    const double away = std::abs(std::remainder(middle - least, std::numbers::pi));
    if (end - begin > std::max(1e-12, std::min(0.5, away)))
      return integral(map, begin, middle, least) + integral(map, middle, end, least);
    double sum = 0.0;
    for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
      const double t = begin + 0.5 * (end - begin) * (1.0 + rule.nodes[i]);
      sum += 0.5 * (end - begin) * rule.weights[i] * speed(map, -std::sin(t), std::cos(t));
    }
    return sum;
  }

  /// |a first + b second|, first and second the columns after the constant.
  double speed(const Map& map, double a, double b) const {
    const std::size_t n = map.size() / columns();
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const double velocity = a * map[n + i] + (line() ? 0.0 : b * map[2 * n + i]);
      sum += velocity * velocity;
    }
    return std::sqrt(sum);
  }

  const Network& network_;
  const Curve& curve_;
};

}  // namespace

ExactCounts exact_curve_plain(const Network& network, const Curve& curve, const ExactOptions& options) {
  if (network.activation().pieces() == nullptr || curve.dimension() != network.input_dimension())
    throw std::invalid_argument("exact counts need linear pieces and a curve in the network's input space");
  return PlainWalk(network, curve).run(options);
}

}  // namespace meander
