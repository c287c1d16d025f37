// What the walk with many digits computes with: the affine maps of a layer's neurons on one piece, and their rounding.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/base/wide_float.hpp"
#include "kernels/curves/image_length.hpp"
#include "kernels/linear_regions/exact_crossing.hpp"
#include "kernels/linear_regions/exact_prepared.hpp"
#include "kernels/linear_regions/exact_states.hpp"

namespace meander {

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

/// On a stretch whose functions `first` and `second` reach as far as these.
template <int words, bool curved>
class WideMaps {
 public:
  using Real = WideFloat<words>;
  using Map = WideMap<words>;
  using Piece = WidePiece<words>;
  using Layer = ExactNetwork::Prepared::Layer;

  /// Errors are in units of 2^-unit.
  static constexpr std::int64_t unit = Real::bits - 8;
  static Real of_error(double error) { return Real(std::min(error, 1e300)).scaled(-unit); }

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

 protected:
  double first_ = 0.0, second_ = 0.0;
};

}  // namespace meander
