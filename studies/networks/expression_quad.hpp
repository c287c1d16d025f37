// Floating-point numbers of 113 bits under one name: long double where it has them, GCC's __float128 elsewhere.
#pragma once

#include <cfloat>
#include <cmath>

#if LDBL_MANT_DIG != 113
#include <quadmath.h>
#endif

namespace meander::quad {

#if LDBL_MANT_DIG == 113

using Quad = long double;
#define MEANDER_QUAD(name)   \
  inline Quad name(Quad x) { \
    return std::name(x);     \
  }
inline Quad frexp(Quad x, int* exponent) {
  return std::frexp(x, exponent);
}
inline Quad ldexp(Quad x, int exponent) {
  return std::ldexp(x, exponent);
}
inline Quad atan2(Quad y, Quad x) {
  return std::atan2(y, x);
}
inline Quad not_a_number() {
  return std::nanl("");
}

#else

__extension__ using Quad = __float128;
#define MEANDER_QUAD(name)   \
  inline Quad name(Quad x) { \
    return name##q(x);       \
  }
inline Quad frexp(Quad x, int* exponent) {
  return frexpq(x, exponent);
}
inline Quad ldexp(Quad x, int exponent) {
  return ldexpq(x, exponent);
}
inline Quad atan2(Quad y, Quad x) {
  return atan2q(y, x);
}
inline Quad not_a_number() {
  return nanq("");
}

#endif

MEANDER_QUAD(exp)
MEANDER_QUAD(expm1)
MEANDER_QUAD(log)
MEANDER_QUAD(log1p)
MEANDER_QUAD(sqrt)
MEANDER_QUAD(cbrt)
MEANDER_QUAD(sin)
MEANDER_QUAD(cos)
MEANDER_QUAD(tan)
MEANDER_QUAD(asin)
MEANDER_QUAD(acos)
MEANDER_QUAD(atan)
MEANDER_QUAD(sinh)
MEANDER_QUAD(cosh)
MEANDER_QUAD(tanh)
MEANDER_QUAD(asinh)
MEANDER_QUAD(acosh)
MEANDER_QUAD(atanh)
MEANDER_QUAD(erf)
MEANDER_QUAD(erfc)
MEANDER_QUAD(floor)
#undef MEANDER_QUAD

inline Quad pi() {
  static const Quad value = 4 * atan(Quad(1));
  return value;
}
inline Quad ln2() {
  static const Quad value = log(Quad(2));
  return value;
}

}  // namespace meander::quad
