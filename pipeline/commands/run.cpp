#include "pipeline/run/run.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kernels/base/blas_memory.hpp"
#include "pipeline/commands/commands.hpp"
#include "pipeline/commands/option_checks.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/ranks/mpi_session.hpp"
#include "pipeline/run/stop.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

/// The command as typed, for the archive's history.
std::string typed_command() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  while (!text.empty() && text.back() == '\0') text.pop_back();
  for (char& c : text) c = c == '\0' ? ' ' : c;
  return text;
}

/// The one line on standard output: scripts need not know how it was chosen.
void say_archive(const std::string& archive) {
  std::error_code unknown;
  if (!std::filesystem::exists(archive, unknown)) return;
  print_output_bytes(archive + "\n");
  static_cast<void>(finish_output());  // before MPI ends: its launcher passes it on
}

}  // namespace

void read_part(const std::string& text, RunOptions& run) {
  const std::size_t slash = text.find('/');
  const auto whole = [](std::string_view digits, int& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  const std::string_view view = text;
  if (slash == std::string::npos || !whole(view.substr(0, slash), run.part) ||
      !whole(view.substr(slash + 1), run.parts) || run.part < 1 || run.part > run.parts) {
    throw BadInput("--part " + text + ": error: not a part (I/N with 1 <= I <= N is) write --part 1/4");
  }
}

/// What every rank has met, rank 0 says. What one rank met alone ends the others, too (main.cpp): they may wait for it.
int run_command(const RunArguments& arguments, const Catalogue& catalogue) {
  let_readers_go();
  const StopSignals signals;  // before MPI: a stop that is asked for meanwhile must not kill
  MpiSession mpi(0, nullptr);
  int code = exit_failed;
  try {
    RunOptions options = arguments.options;
    together(MPI_COMM_WORLD, [&] {
      options.study = arguments.study.study;
      options.overrides = arguments.study.overrides();
      if (!arguments.part.empty()) read_part(arguments.part, options);
      options.command = typed_command();
      require_blas_memory();
    });
    on_root(MPI_COMM_WORLD, [&] {
      if (arguments.timing.empty()) return;
      check_timing(arguments.timing, options.archive.empty() ? default_archive(options.study) : options.archive);
    });
    RunReport report;
    code = run_study(options, catalogue, MPI_COMM_WORLD, &report);
    on_root(MPI_COMM_WORLD, [&] {
      if (!arguments.timing.empty()) write_report(report, arguments.timing);
      say_archive(options.archive.empty() ? default_archive(options.study) : options.archive);
    });
  } catch (const std::exception& error) {
    if (!is_agreed(error)) throw;
    if (rank_of(MPI_COMM_WORLD) == 0) print_error("{}\n", failure_text(error));
    code = exit_code(error);
  }
  mpi.finish();
  return code;
}

}  // namespace meander
