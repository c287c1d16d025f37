// What no solver could answer is refused before any begins.
#include "kernels/distributed/singular_search.hpp"

#include <stdexcept>
#include <string>

namespace meander {

void check_search(int n, const SingularValueSearch& search) {
  if (search.count < 1 || search.count > n) {
    throw std::invalid_argument("asked for " + std::to_string(search.count) + " singular values (the operator has " +
                                std::to_string(n) + "), ask for 1 to " + std::to_string(n));
  }
  if (search.block < 1) {
    throw std::invalid_argument("a block of " + std::to_string(search.block) +
                                " vectors (a product needs one), take at least 1");
  }
}

}  // namespace meander
