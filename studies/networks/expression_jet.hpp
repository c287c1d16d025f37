// Truncated Taylor series in one variable over any kind of number: the rules by which a formula's derivatives follow
// from its operations (Griewank and Walther, Evaluating Derivatives, chapter 13).
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "studies/networks/expression_tree.hpp"

namespace meander::expression_jet {

/// c[k] = f^(k)(x) / k!, k = 0 .. Order. `Number` has + - * /, ratio, two_over_root_pi and, found by their arguments,
/// the elementary functions used below; square and fixed_power are its own so that intervals stay tight.
template <class Number, std::size_t Order>
struct Jet {
  std::array<Number, Order + 1> c{};
};

template <class Number, std::size_t Order>
class Rules {
 public:
  using J = Jet<Number, Order>;
  static constexpr std::size_t count = Order + 1;

  static J add(const J& a, const J& b) {
    J r;
    for (std::size_t k = 0; k < count; ++k) r.c[k] = a.c[k] + b.c[k];
    return r;
  }
  static J scale(const J& a, const Number& s) {
    J r;
    for (std::size_t k = 0; k < count; ++k) r.c[k] = a.c[k] * s;
    return r;
  }
  static J constant(const Number& value) {
    J r;
    r.c[0] = value;
    return r;
  }
  static J multiply(const J& a, const J& b) {
    J r;
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t j = 0; j <= k; ++j) r.c[k] = r.c[k] + a.c[j] * b.c[k - j];
    }
    return r;
  }
  static J squared(const J& a) {
    J r = multiply(a, a);
    r.c[0] = square(a.c[0]);
    return r;
  }
  static J divide(const J& a, const J& b) {
    J r;
    for (std::size_t k = 0; k < count; ++k) {
      Number rest = a.c[k];
      for (std::size_t j = 1; j <= k; ++j) rest = rest - b.c[j] * r.c[k - j];
      r.c[k] = rest / b.c[0];
    }
    return r;
  }
  static J whole_power(const J& a, long n) {
    if (n < 0) return divide(constant(Number(1.0)), whole_power(a, -n));
    if (n == 0) return constant(Number(1.0));
    if (n % 2 == 0) return squared(whole_power(a, n / 2));
    return n == 1 ? a : multiply(a, whole_power(a, n - 1));
  }
  /// a^p given a_0^p.
  static J real_power(const J& a, const Number& p, const Number& start) {
    J r;
    r.c[0] = start;
    for (std::size_t k = 1; k < count; ++k) {
      Number sum(0.0);
      for (std::size_t j = 1; j <= k; ++j) {
        const Number factor = p * whole(j) - whole(k - j);
        sum = sum + factor * a.c[j] * r.c[k - j];
      }
      r.c[k] = sum / (whole(k) * a.c[0]);
    }
    return r;
  }
  static J exponential(const J& a, const Number& start, const Number& factor) {
    // r' = a' (r + rest), and start + rest = factor.
    J r, shifted;
    r.c[0] = start;
    shifted.c[0] = factor;
    for (std::size_t k = 1; k < count; ++k) {
      r.c[k] = slope_product(a, shifted, k);
      shifted.c[k] = r.c[k];
    }
    return r;
  }
  static J logarithm(const J& a) {
    J r;
    r.c[0] = log(a.c[0]);
    for (std::size_t k = 1; k < count; ++k) {
      Number sum(0.0);
      for (std::size_t j = 1; j < k; ++j) sum = sum + whole(j) * r.c[j] * a.c[k - j];
      r.c[k] = (a.c[k] - sum / whole(k)) / a.c[0];
    }
    return r;
  }
  /// r' = a' w, r(0) = start.
  static J integral(const J& a, const J& w, const Number& start) {
    J r;
    r.c[0] = start;
    for (std::size_t k = 1; k < count; ++k) r.c[k] = slope_product(a, w, k);
    return r;
  }
  /// r' = a' (rest + sign r^2), of which start is r and slope the bracket at the beginning: tan (sign 1) and tanh (-1).
  static J riccati(const J& a, const Number& start, const Number& slope, double sign) {
    J r, w;
    r.c[0] = start;
    w.c[0] = slope;
    for (std::size_t k = 1; k < count; ++k) {
      r.c[k] = slope_product(a, w, k);
      Number sum(0.0);
      for (std::size_t j = 0; j <= k; ++j) sum = sum + r.c[j] * r.c[k - j];
      w.c[k] = Number(sign) * sum;
    }
    return r;
  }
  /// Both of a pair with s' = a' c and c' = sign a' s.
  static void pair(const J& a, const Number& s0, const Number& c0, double sign, J& s, J& c) {
    s.c[0] = s0;
    c.c[0] = c0;
    for (std::size_t k = 1; k < count; ++k) {
      s.c[k] = slope_product(a, c, k);
      c.c[k] = Number(sign) * slope_product(a, s, k);
    }
  }
  static J reciprocal_root(const J& a) {  // a^(-1/2)
    const Number root = sqrt(a.c[0]);
    return real_power(a, Number(-0.5), Number(1.0) / root);
  }
  static J root(const J& a) { return real_power(a, Number(0.5), sqrt(a.c[0])); }
  static J angle(const J& y, const J& x) {
    const J norm = add(squared(x), squared(y));
    J slope;  // of y' x - x' y, shifted by one
    for (std::size_t k = 0; k + 1 < count; ++k) {
      for (std::size_t j = 0; j <= k; ++j) {
        slope.c[k] = slope.c[k] + whole(j + 1) * (y.c[j + 1] * x.c[k - j] - x.c[j + 1] * y.c[k - j]);
      }
    }
    const J w = divide(slope, norm);
    J r;
    r.c[0] = atan2(y.c[0], x.c[0]);
    for (std::size_t k = 1; k < count; ++k) r.c[k] = w.c[k - 1] / whole(k);
    return r;
  }
  /// 1 + sign a^2.
  static J one_and_square(const J& a, double sign) {
    J r = scale(squared(a), Number(sign));
    r.c[0] = r.c[0] + Number(1.0);
    return r;
  }

 private:
  static Number whole(std::size_t k) { return Number(static_cast<double>(k)); }
  /// The k-th coefficient of the integral of a' w.
  static Number slope_product(const J& a, const J& w, std::size_t k) {
    Number sum(0.0);
    for (std::size_t j = 1; j <= k; ++j) sum = sum + whole(j) * a.c[j] * w.c[k - j];
    return sum / whole(k);
  }
};

/// The formula's series about `x`, whose own is x + t. Choices are made by `Number`: chosen(d) is 1 where d > 0, -1
/// where d < 0, 0 where d is zero, and 2 where an interval holds both; both_sides(a, b) holds either.
template <class Number, std::size_t Order>
Jet<Number, Order> evaluate(const ExpressionTree& tree, const Number& x, std::vector<Jet<Number, Order>>& scratch) {
  using R = Rules<Number, Order>;
  using J = Jet<Number, Order>;
  using Kind = ExpressionNode::Kind;
  scratch.resize(tree.size());
  const auto choice = [](const Number& d, const J& above, const J& below, const J& tie) {
    const int side = chosen(d);
    if (side == 2) {
      J both;
      for (std::size_t k = 0; k < R::count; ++k) both.c[k] = both_sides(above.c[k], below.c[k]);
      return both;
    }
    return side > 0 ? above : side < 0 ? below : tie;
  };
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const ExpressionNode& node = tree[i];
    const auto part = [&](std::size_t k) -> const J& { return scratch[node.parts[k]]; };
    J r;
    switch (node.kind) {
      case Kind::number:
        r = R::constant(Number::ratio(node.numerator, node.denominator));
        break;
      case Kind::x:
        r.c[0] = x;
        if constexpr (Order > 0) r.c[1] = Number(1.0);
        break;
      case Kind::add:
        r = part(0);
        for (std::size_t k = 1; k < node.parts.size(); ++k) r = R::add(r, part(k));
        break;
      case Kind::multiply:
        r = part(0);
        for (std::size_t k = 1; k < node.parts.size(); ++k) r = R::multiply(r, part(k));
        break;
      case Kind::whole_power:
        r = R::whole_power(part(0), static_cast<long>(node.numerator));
        break;
      case Kind::real_power: {
        const Number p = Number::ratio(node.numerator, node.denominator);
        r = R::real_power(part(0), p, fixed_power(part(0).c[0], node.numerator, node.denominator));
        break;
      }
      case Kind::power: {
        const J product = R::multiply(part(1), R::logarithm(part(0)));
        const Number start = exp(product.c[0]);
        r = R::exponential(product, start, start);
        break;
      }
      case Kind::exp: {
        const Number start = exp(part(0).c[0]);
        r = R::exponential(part(0), start, start);
        break;
      }
      case Kind::expm1:
        r = R::exponential(part(0), expm1(part(0).c[0]), exp(part(0).c[0]));
        break;
      case Kind::log:
        r = R::logarithm(part(0));
        break;
      case Kind::log1p: {
        J shifted = part(0);
        shifted.c[0] = shifted.c[0] + Number(1.0);
        r = R::integral(part(0), R::divide(R::constant(Number(1.0)), shifted), log1p(part(0).c[0]));
        break;
      }
      case Kind::sin:
      case Kind::cos: {
        J s, c;
        R::pair(part(0), sin(part(0).c[0]), cos(part(0).c[0]), -1.0, s, c);
        r = node.kind == Kind::sin ? s : c;
        break;
      }
      case Kind::sinh:
      case Kind::cosh: {
        J s, c;
        R::pair(part(0), sinh(part(0).c[0]), cosh(part(0).c[0]), 1.0, s, c);
        r = node.kind == Kind::sinh ? s : c;
        break;
      }
      case Kind::tan:
        r = R::riccati(part(0), tan(part(0).c[0]), Number(1.0) / square(cos(part(0).c[0])), 1.0);
        break;
      case Kind::tanh:
        r = R::riccati(part(0), tanh(part(0).c[0]), Number(1.0) / square(cosh(part(0).c[0])), -1.0);
        break;
      case Kind::asin:
        r = R::integral(part(0), R::reciprocal_root(R::one_and_square(part(0), -1.0)), asin(part(0).c[0]));
        break;
      case Kind::acos:
        r = R::integral(R::scale(part(0), Number(-1.0)), R::reciprocal_root(R::one_and_square(part(0), -1.0)),
                        acos(part(0).c[0]));
        break;
      case Kind::atan:
        r = R::integral(part(0), R::divide(R::constant(Number(1.0)), R::one_and_square(part(0), 1.0)),
                        atan(part(0).c[0]));
        break;
      case Kind::asinh:
        r = R::integral(part(0), R::reciprocal_root(R::one_and_square(part(0), 1.0)), asinh(part(0).c[0]));
        break;
      case Kind::acosh:
        r = R::integral(part(0), R::reciprocal_root(R::scale(R::one_and_square(part(0), -1.0), Number(-1.0))),
                        acosh(part(0).c[0]));
        break;
      case Kind::atanh:
        r = R::integral(part(0), R::divide(R::constant(Number(1.0)), R::one_and_square(part(0), -1.0)),
                        atanh(part(0).c[0]));
        break;
      case Kind::erf:
      case Kind::erfc: {
        const J g = R::scale(R::squared(part(0)), Number(-1.0));
        const Number start = exp(g.c[0]);
        const Number factor = Number::two_over_root_pi() * Number(node.kind == Kind::erf ? 1.0 : -1.0);
        r = R::integral(part(0), R::scale(R::exponential(g, start, start), factor),
                        node.kind == Kind::erf ? erf(part(0).c[0]) : erfc(part(0).c[0]));
        break;
      }
      case Kind::cbrt:
        r = R::real_power(part(0), Number::ratio(1.0, 3.0), cbrt(part(0).c[0]));
        break;
      case Kind::hypot:
        r = R::root(R::add(R::squared(part(0)), R::squared(part(1))));
        break;
      case Kind::atan2:
        r = R::angle(part(0), part(1));
        break;
      case Kind::abs:
        r = choice(part(0).c[0], part(0), R::scale(part(0), Number(-1.0)), J{});
        break;
      case Kind::sign:
        r = choice(part(0).c[0], R::constant(Number(1.0)), R::constant(Number(-1.0)), J{});
        break;
      case Kind::max:
        r = choice(part(2).c[0], part(0), part(1), part(1));
        break;
      case Kind::min:
        r = choice(part(2).c[0], part(1), part(0), part(0));
        break;
    }
    scratch[i] = r;
  }
  return scratch.back();
}

}  // namespace meander::expression_jet
