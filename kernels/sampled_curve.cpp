#include "kernels/sampled_curve.hpp"
