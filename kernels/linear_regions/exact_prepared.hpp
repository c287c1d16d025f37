// The weights of a network as the exact walk wants them: columns contiguous and padded.
#pragma once

#include <span>
#include <vector>

#include "kernels/linear_regions/exact_curve.hpp"
#include "kernels/linear_regions/exact_states.hpp"
#include "kernels/networks/pattern_set.hpp"

namespace meander {

struct ExactNetwork::Prepared {
  struct Layer {
    int outputs = 0, inputs = 0;
    std::size_t stride = 0;             // outputs, padded with zeros
    std::vector<double> columns;        // column j of W: columns[j stride ...]; empty for the first layer
    std::vector<double> bias, norm;     // (outputs): bias, norm of a row of W
    std::vector<const double*> column;  // pointers into columns
    bool keeps_zero = false;            // whether phi(bias) = 0 for all neurons
  };
  int first_layer = 1, depth = 0;
  StateTable table;
  StateTable sign;
  std::vector<Layer> layers;  // first_layer .. depth
  Layer readout;              // its first output; outputs = 0 where there is none
  std::vector<std::vector<PatternHash>> words;
};

}  // namespace meander
