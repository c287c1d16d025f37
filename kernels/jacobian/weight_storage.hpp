// What an operator keeps of the weights of its layers.
#pragma once

namespace meander {

/// What is kept of the weights. Each row of a layer that passes nothing on (phi' = 0) is left out.
enum class WeightStorage {
  double_,     // 8 bytes a weight
  single,      // 4 bytes: each weight rounded to single precision, products in double
  regenerated  // nothing: weights are drawn from the stream in blocks, the same numbers that double_ keeps
};

}  // namespace meander
