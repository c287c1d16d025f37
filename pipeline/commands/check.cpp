#include <fmt/format.h>

#include "pipeline/archive/read/archive_check.hpp"
#include "pipeline/commands/commands.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {

int check_command(const std::string& archive) {
  const CheckReport report = check_archive(archive);
  for (const std::string& problem : report.problems) print_error("{}: {}\n", archive, problem);
  if (!report.intact()) return exit_failed;
  print_output("{}: intact, {} arrays\n", archive, report.arrays);
  return exit_done;
}

}  // namespace meander
