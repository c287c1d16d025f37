// How the program ends where nothing caught an exception.
#include <exception>
#include <string>

#include "pipeline/commands/commands.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {

/// Most messages say already where, and that it is an error.
std::string failure_text(const std::exception& error) {
  const std::string what = error.what();
  const bool whole = exit_code(error) == exit_bad_input || what.find(": error: ") != std::string::npos;
  return (whole ? "" : "meander: error: ") + what;
}

int exit_code(const std::exception& error) {
  return dynamic_cast<const BadInput*>(&error) != nullptr ? exit_bad_input : exit_failed;
}

}  // namespace meander
