// What linear pieces say about the function that they make: its range, symmetries, kinks and bounds.
#pragma once

#include "kernels/networks/activation.hpp"

#include <optional>
#include <vector>

namespace meander {

/// Of a function made of `pieces`, as Activation's members of those names describe. Breakpoints at which the slope
/// stays are none of the function's: they change nothing here.
Activation::Range range_of(const LinearPieces& pieces);
bool is_odd(const LinearPieces& pieces);
bool is_homogeneous(const LinearPieces& pieces);
std::vector<double> kinks_of(const LinearPieces& pieces);
std::optional<Activation::IdentityBounds> clamp_of(const LinearPieces& pieces);

}  // namespace meander
