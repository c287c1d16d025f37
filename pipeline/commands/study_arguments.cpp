#include <fmt/format.h>

#include <cmath>
#include <new>

#include "kernels/base/blas_memory.hpp"
#include "pipeline/commands/commands.hpp"
#include "pipeline/machine/memory.hpp"
#include "pipeline/study_reader/study_reader.hpp"

namespace meander {

std::vector<Override> StudyArguments::overrides() const {
  std::vector<Override> result;
  for (const std::string& text : set) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw BadInput("--set " + text + ": error: no value (an override is key=value) write --set sweep.width=[64,128]");
    }
    result.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return result;
}

void require_blas_memory() {
  try {
    reserve_blas_memory();
  } catch (const std::bad_alloc&) {
    throw BadInput(
        fmt::format("meander: error: there is no memory for OpenBLAS's workspace ({:.0f} MB a process; {}) raise the "
                    "limit, or start fewer ranks",
                    blas_workspace / 1e6,
                    std::isfinite(process_memory())
                        ? fmt::format("`ulimit -v` or `ulimit -d` leaves this one {:.0f} MB", process_memory() / 1e6)
                        : "the system refuses it"));
  }
}

BoundStudy StudyArguments::read(const Catalogue& catalogue) const {
  require_blas_memory();
  return read_study(study, overrides(), catalogue);
}

}  // namespace meander
