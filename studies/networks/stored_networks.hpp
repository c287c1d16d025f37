// Networks and curves in files of the user's own, and their export in the same format.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "pipeline/study/study.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"

namespace meander {

/// The network of a `meander_network` file of version 1.0 or 1.1 (docs/format.md: attributes filetype, version,
/// activation, input_shape; groups /layers/<l> of any kind; /readout/weight and bias). Throws BadInput, `name` in the
/// message.
StoredNetwork network_from(const NamedArrays& arrays, const std::string& name);

/// How a study wants a stored curve to be read, where it says so.
struct CurveWish {
  std::optional<CurveKind> kind;
  std::optional<std::vector<double>> span;
};

/// The curve of a file (datasets /curve/center, u, v, each of input dimension). The wish decides
/// its kind, else the attribute `kind` of /curve, else a circle where v exists and a line where not;
/// an arc's span is the wish's, else the dataset /curve/span. Throws BadInput.
Curve curve_from(const NamedArrays& arrays, const std::string& name, const CurveWish& wish);

/// Adds a network or a curve to what `write_arrays` writes: reading it back gives the same numbers. Version 1.0 where
/// it can say it all, with `activation` as the text of all layers' activation, else 1.1 with the layers' own texts.
void add_network(const Network& network, const std::string& activation, NamedArrays& arrays);
void add_curve(const Curve& curve, NamedArrays& arrays);

}  // namespace meander
