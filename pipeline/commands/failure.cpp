// How the program ends where nothing caught an exception.
#include <exception>
#include <new>
#include <string>
#include <system_error>

#include "pipeline/commands/commands.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {

/// Most messages say already where, and that it is an error.
std::string failure_text(const std::exception& error) {
  const std::string what = error.what();
  // By their words too: agreed on by all ranks, an exception keeps no more (pipeline/ranks/collective.hpp).
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr || what == "std::bad_alloc") {
    return "meander: error: out of memory (this process may take no more) raise `ulimit -v`, or start fewer ranks";
  }
  if (what == std::make_error_code(std::errc::resource_unavailable_try_again).message()) {
    return "meander: error: a thread cannot be started (no memory for it, or too many processes) raise `ulimit -v` or "
           "`ulimit -u`, or start fewer ranks";
  }
  const bool whole = exit_code(error) == exit_bad_input || what.find(": error: ") != std::string::npos;
  return (whole ? "" : "meander: error: ") + what;
}

int exit_code(const std::exception& error) {
  return dynamic_cast<const BadInput*>(&error) != nullptr ? exit_bad_input : exit_failed;
}

}  // namespace meander
