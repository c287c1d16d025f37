// Points and second weights of a weight sweep in files of the user's own, and their export.
#pragma once

#include <string>
#include <vector>

#include "kernels/linear_regions/dichotomies.hpp"
#include "kernels/networks/network.hpp"
#include "pipeline/inputs/arrays.hpp"

namespace meander {

/// The points to label and, in the order of layers, W' of every layer that is swept.
struct StoredSweeps {
  std::vector<std::vector<double>> points;
  std::vector<WeightSweep> sweeps;
};

/// Datasets /points (s, in) and /sweep/<l>/weight (out, in), l from 0 like the network's /layers, for a
/// network with a readout. Throws BadInput, `name` in the message, where a shape does not fit, a number is
/// not finite or nothing is swept.
StoredSweeps sweeps_from(const NamedArrays& arrays, const std::string& name, const Network& network);

/// Adds them to what `write_arrays` writes.
void add_sweeps(const StoredSweeps& sweeps, const Network& network, NamedArrays& arrays);

}  // namespace meander
