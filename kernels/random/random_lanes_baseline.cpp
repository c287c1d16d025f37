// The random stream for any processor of the architecture.
#include "kernels/random/random_lanes.hpp"

namespace meander {

extern const RandomPath random_path_baseline;
constexpr RandomPath random_path_baseline = random_lanes::path_of_this_file("baseline");

}  // namespace meander
