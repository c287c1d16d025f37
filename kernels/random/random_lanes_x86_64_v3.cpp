// The random stream for processors with AVX2.
#include "kernels/random/random_lanes.hpp"

namespace meander {

extern const RandomPath random_path_x86_64_v3;
constexpr RandomPath random_path_x86_64_v3 = random_lanes::path_of_this_file("x86-64-v3");

}  // namespace meander
