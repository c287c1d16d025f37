// The library's door.
#include "kernels/slepc/entries.hpp"

#include "kernels/slepc/library/eigenvalues.hpp"
#include "kernels/slepc/library/singular_values.hpp"

const meander::SlepcEntries* meander_slepc_entries() {
  static const meander::SlepcEntries entries{meander::search_eigenvalues, meander::search_singular_values};
  return &entries;
}
