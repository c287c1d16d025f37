// Length of a curve with velocity d cos t + e sin t, from the products of d and e alone.
#pragma once

namespace meander {

/// |velocity|^2 = dd cos^2 t + 2 de cos t sin t + ee sin^2 t.
struct SpeedForm {
  double dd = 0.0, de = 0.0, ee = 0.0;

  SpeedForm& operator+=(const SpeedForm& other) {
    dd += other.dd;
    de += other.de;
    ee += other.ee;
    return *this;
  }
};

/// Integral of the speed over t in [begin, begin + length], 0 <= length <= pi, within 1e-13 of itself for the form as
/// given; sine and cosine of begin come with it. Where the speed is small against sqrt(dd + ee), rounding of the form
/// counts: there it is best seen from nearby (begin = 0).
double image_length(const SpeedForm& form, double sine, double cosine, double length);

}  // namespace meander
