// The commands of `meander`, each a function from its arguments to the exit code. They are bound to
// the command line in command_line.cpp alone.
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/measure/measure.hpp"
#include "pipeline/run/run.hpp"
#include "pipeline/study_reader/study_reader.hpp"

namespace meander {

enum ExitCode { exit_done = 0, exit_failed = 1, exit_stopped = 2, exit_bad_input = 3 };

/// A study file and what `--set` changes in it.
struct StudyArguments {
  std::string study;
  std::vector<std::string> set;

  /// The --set texts as overrides; throws BadInput where one has no '='.
  std::vector<Override> overrides() const;
  /// The study, read and checked.
  BoundStudy read(const Catalogue& catalogue) const;
};

struct RunArguments {
  StudyArguments study;
  RunOptions options;  // without what `study`, `part` and the time limit give
  std::string part;    // "I/N" or empty
  std::string timing;  // JSON file for where the time went, or empty
};
int run_command(const RunArguments& arguments, const Catalogue& catalogue);
/// "2/5" as part 2 of 5; throws BadInput where it is no part.
void read_part(const std::string& text, RunOptions& run);

struct PlanArguments {
  StudyArguments study;
  int ranks = 0;  // 0: this machine's, and larger ones
  int ranks_per_node = 64;
  double time_limit = 0.0;  // of one job, seconds; 0: none
  double checkpoint_seconds = 60.0;
  bool json = false;
};
int plan_command(const PlanArguments& arguments, const Catalogue& catalogue);

struct ListArguments {
  std::string measure;  // empty: all
  bool json = false;
  bool markdown = false;
};
int list_command(const ListArguments& arguments, const Catalogue& catalogue);

struct MergeArguments {
  std::string out;
  std::vector<std::string> in;
  bool update = false;  // what is there at `out` is joined with the others
};
int merge_command(const MergeArguments& arguments);

struct ExportArguments {
  StudyArguments study;
  std::string cell;
  std::string out;
};
int export_command(const ExportArguments& arguments, const Catalogue& catalogue);

int status_command(const std::string& archive, bool json);
/// Prints what a file of another room holds; false, and nothing printed, where it is none of that room's.
using ShowFile = std::function<bool(const std::string& path)>;
/// An archive, or a file that `show_other` knows.
int show_command(const std::string& file, const ShowFile& show_other);
int check_command(const std::string& archive);

/// OpenBLAS's workspace (kernels/base/blas_memory.hpp), for commands that compute; throws BadInput where there is none.
void require_blas_memory();

/// What the program says of an exception that ends it, and its exit code.
std::string failure_text(const std::exception& error);
int exit_code(const std::exception& error);

}  // namespace meander
