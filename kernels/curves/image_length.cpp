// Gauss-Legendre rules as large as the distance to the speed's nearest zero asks for, on halves where
// that is too near.
#include "kernels/curves/image_length.hpp"

#include "kernels/base/quadrature.hpp"

#include <algorithm>
#include <cmath>

namespace meander {

namespace {

/// The form seen from an angle further on.
SpeedForm turned(const SpeedForm& form, double sine, double cosine) {
  const double cross = 2.0 * form.de * sine * cosine;
  return {form.dd * cosine * cosine + cross + form.ee * sine * sine,
          (form.ee - form.dd) * sine * cosine + form.de * (cosine * cosine - sine * sine),
          form.dd * sine * sine - cross + form.ee * cosine * cosine};
}

/// Square of the speed at a small angle from where the form is seen.
double speed2(const SpeedForm& form, double sine, double cosine) {
  return std::max(0.0, form.dd * cosine * cosine + 2.0 * form.de * sine * cosine + form.ee * sine * sine);
}

double gauss(const SpeedForm& form, double length, const QuadratureRule& rule) {
  double sum = 0.0;
  for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
    const double angle = 0.5 * length * (1.0 + rule.nodes[i]);
    sum += rule.weights[i] * std::sqrt(speed2(form, std::sin(angle), std::cos(angle)));
  }
  return 0.5 * length * sum;
}

/// Two nodes at angles so small that three terms of the sine's series are exact.
double gauss_two(const SpeedForm& form, double length) {
  constexpr double node = 0.57735026918962576451;
  double sum = 0.0;
  for (const double position : {0.5 - 0.5 * node, 0.5 + 0.5 * node}) {
    const double angle = length * position;
    const double square = angle * angle;
    const double sine = angle * (1.0 - square * (1.0 / 6.0) * (1.0 - square * 0.05));
    const double cosine = 1.0 - 0.5 * square * (1.0 - square * (1.0 / 12.0));
    sum += std::sqrt(speed2(form, sine, cosine));
  }
  return 0.5 * length * sum;
}

const QuadratureRule& rule_of(double ratio) {
  static const QuadratureRule four = gauss_legendre(4);
  static const QuadratureRule ten = gauss_legendre(10);
  return ratio < 0.03 ? four : ten;
}

/// The form is seen from the interval's beginning, where the square of the speed is F. The speed is singular where F
/// vanishes in the complex plane; F >= 0 and |F''| <= 2 size keep that farther away than 0.41 sqrt(F / size). An
/// n-point rule's error is the (2 n)-th power of about a quarter of half the length over that distance.
double integrate(const SpeedForm& form, double length, double size, double least) {
  const double ratio = length * std::sqrt(size / std::max(0.0, form.dd));
  if (ratio < 1e-3 && length < 1e-2) return gauss_two(form, length);
  // On so short a part of the whole the speed is small if it is not smooth, and the error of the order of 1e-16 of it.
  if (ratio < 0.2 || length < least) return gauss(form, length, rule_of(ratio));
  const double half = 0.5 * length;
  return integrate(form, half, size, least) +
         integrate(turned(form, std::sin(half), std::cos(half)), half, size, least);
}

}  // namespace

double image_length(const SpeedForm& form, double sine, double cosine, double length) {
  const double size = form.dd + form.ee;
  if (!std::isfinite(size)) return size;
  if (!(size > 0.0) || !(length > 0.0)) return 0.0;
  return integrate(turned(form, sine, cosine), length, size, 1e-7 * length);
}

}  // namespace meander
