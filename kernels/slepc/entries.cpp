// The library's door.
#include "kernels/slepc/entries.hpp"

#include "kernels/slepc/eigenvalues.hpp"
#include "kernels/slepc/singular_values.hpp"

const meander::SlepcEntries* meander_slepc_entries() {
  static const meander::SlepcEntries entries{meander::search_eigenvalues, meander::search_singular_values};
  return &entries;
}
