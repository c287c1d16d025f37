#include "pipeline/run.hpp"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>

#include "pipeline/collective.hpp"
#include "pipeline/commands/command_line.hpp"
#include "pipeline/commands/commands.hpp"
#include "pipeline/commands/study_options.hpp"
#include "pipeline/mpi_session.hpp"

namespace meander {
namespace {

struct RunArguments {
  StudyOptions study;
  RunOptions run;
  std::string part;
  double time_limit = 0.0;
  bool has_time_limit = false;
};

/// "2/5" as part 2 of 5.
void read_part(const std::string& text, RunOptions& run) {
  const std::size_t slash = text.find('/');
  const auto whole = [](std::string_view digits, int& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  const std::string_view view = text;
  if (slash == std::string::npos || !whole(view.substr(0, slash), run.part) || !whole(view.substr(slash + 1), run.parts) ||
      run.part < 1 || run.part > run.parts) {
    throw BadInput("--part " + text + ": error: not a part (I/N with 1 <= I <= N is) write --part 1/4");
  }
}

/// The command as typed, for the archive's history.
std::string typed_command() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  while (!text.empty() && text.back() == '\0') text.pop_back();
  for (char& c : text) c = c == '\0' ? ' ' : c;
  return text;
}

/// Bad input is known to every rank; rank 0 says it.
int run_command(RunArguments& arguments, const Catalogue& catalogue) {
  MpiSession mpi(0, nullptr);
  int code = exit_bad_input;
  try {
    RunOptions options = arguments.run;
    options.study = arguments.study.study;
    options.overrides = arguments.study.overrides();
    if (!arguments.part.empty()) read_part(arguments.part, options);
    if (arguments.has_time_limit) options.time_limit_seconds = arguments.time_limit;
    options.command = typed_command();
    code = run_study(options, catalogue, MPI_COMM_WORLD);
  } catch (const BadInput& error) {
    if (rank_of(MPI_COMM_WORLD) == 0) fmt::print(stderr, "{}\n", error.what());
  }
  mpi.finish();
  return code;
}

}  // namespace

void add_run(CLI::App& app, const Catalogue& catalogue, Action& action) {
  CLI::App* command = app.add_subcommand("run", "Runs a study, or goes on with it; start it with mpirun to use several ranks");
  auto arguments = std::make_shared<RunArguments>();
  add_study_options(*command, arguments->study);
  RunOptions& run = arguments->run;
  command->add_option("-o,--output", run.archive, "Archive to write or go on with; default: the study's stem + .h5 here")
      ->type_name("ARCHIVE.h5");
  command->add_flag("--fresh", run.fresh, "Starts over: what the archive holds is deleted");
  command->add_flag("--retry-failed", run.retry_failed, "Computes failed cells again");
  command->add_option("--part", arguments->part, "Computes the I-th of N shares, for job arrays")->type_name("I/N");
  command->add_option("--checkpoint", run.checkpoint_seconds, "Seconds between renewals of the shards on disk")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI::Option* limit = command->add_option("--time-limit", arguments->time_limit, "Stops cleanly before this many seconds are over")
                           ->check(CLI::NonNegativeNumber);
  command->add_flag("--quiet", run.quiet, "Shows no progress; errors are always shown");
  command->callback([arguments, limit, &catalogue, &action] {
    arguments->has_time_limit = limit->count() > 0;
    action = [arguments, &catalogue] { return run_command(*arguments, catalogue); };
  });
}

}  // namespace meander
