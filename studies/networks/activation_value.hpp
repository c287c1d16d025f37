// Activations and weight laws as a study file writes them: a name, or a table.
#pragma once

#include <optional>
#include <string>

#include "kernels/networks/activation.hpp"
#include "kernels/networks/network.hpp"
#include "pipeline/values/value.hpp"

namespace meander {

/// A name, { activation = "leaky_relu", slope }, { activation = "elu", alpha }, { activation } with any other name,
/// { breakpoints, slopes, value }, { hermite } or { expression } (which may declare its `kinks` and its `scale`), each
/// table with a `name` or without. Its text is the
/// value's, its label too unless the table has a name. Throws std::invalid_argument with the problem.
Activation activation_from(const Value& value);

/// The same value with swish for silu and hard_tanh for hardtanh: what is stored.
Value settled_activation(const Value& value);

/// A name, { law = "student_t", dof } or { law = "sparse", density }. Throws std::invalid_argument with
/// the problem.
WeightLaw weight_law_from(const Value& value);

/// The problem with such a value, or nothing: for Key::check.
std::optional<std::string> check_activation(const Value& value);
std::optional<std::string> check_weight_law(const Value& value);

/// The text of an activation in a network file: its name, or the TOML of its table.
Value activation_value(const std::string& text);

}  // namespace meander
