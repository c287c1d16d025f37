// The list of layers in a network file: /layers/0, /layers/1, ..., each of the kind that its attribute says.
#pragma once

#include <string>
#include <vector>

#include "kernels/networks/network.hpp"
#include "pipeline/inputs/arrays.hpp"

namespace meander {

struct StoredLayers {
  Shape input_shape;
  std::vector<StoredNetwork::Entry> entries;
  /// Of the last one.
  Shape output;
};

/// The layers of a file of version [1, minor]; in version [1, 0] all are dense, with a bias, and have the root's
/// activation. Throws BadInput, the dataset's or attribute's path in the message, where one is missing, of another
/// kind, out of range, of a shape that does not chain, or unknown (attributes in capitals or with a leading underscore,
/// which other programs write, are let pass).
StoredLayers layers_from(const NamedArrays& arrays, int minor, const std::string& name);

/// True where version [1, 0] can say it all: dense layers that take a vector, with one activation.
bool fits_version_1_0(const Network& network);

/// Adds the root's input_shape and the layers with all their attributes.
void add_layers(const Network& network, NamedArrays& arrays);

}  // namespace meander
