// Holds one value of a study file against the declaration of its key.
#pragma once

#include <optional>
#include <string>

#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"
#include "pipeline/values/toml_text.hpp"

namespace meander {

/// The value of `node` as `key` wants it (2 becomes 2.0 for a number), or nothing after an error has
/// gone to `diagnostics`. Swept floats are rounded to 15 significant decimals.
std::optional<Value> check_value(const Key& key, const TomlNode& node, bool swept, Diagnostics& diagnostics);

/// The default of a key, as check_value would return it.
std::optional<Value> default_of(const Key& key);

/// x rounded to 15 significant decimals, half to even; -0 becomes 0.
double round_significant(double x);

}  // namespace meander
