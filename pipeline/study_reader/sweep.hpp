// The [sweep] section: lists, linspace, logspace and point as dimensions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/study/study.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"
#include "pipeline/values/toml_text.hpp"

namespace meander {

/// Values that one dimension may have at most.
inline constexpr std::int64_t most_values = 1000000;

/// The dimension of a sweepable key: a single value, a list of values, { linspace = [lo, hi, n] } or
/// { logspace = [lo, hi, n] }. Nothing after an error has gone to `diagnostics`.
std::optional<SweepDimension> read_dimension(const Key& key, const TomlNode& node, Diagnostics& diagnostics);

/// `point`: a list of tables that all set the same of `keys` (by name).
std::optional<SweepDimension> read_point(const std::vector<Key>& keys, const TomlNode& node, Diagnostics& diagnostics);

/// n numbers from lo to hi, both included, each the exact value for the decimals lo and hi, rounded
/// to 15 significant decimals: two spacings that have a point in common give the same double.
std::vector<double> linspace(double lo, double hi, std::int64_t n);
/// The same with a constant ratio; lo, hi > 0.
std::vector<double> logspace(double lo, double hi, std::int64_t n);

}  // namespace meander
