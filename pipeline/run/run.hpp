// Runs a study: what is still to do is shared among the ranks, results go to shards, and the archive
// is written at the end.
#pragma once

#include <mpi.h>

#include <optional>
#include <string>
#include <vector>

#include "pipeline/measure/measure.hpp"
#include "pipeline/run/run_report.hpp"
#include "pipeline/study/study.hpp"
#include "pipeline/study_reader/study_reader.hpp"

namespace meander {

struct RunOptions {
  std::string study;
  std::string archive;  // empty: the study file's stem + ".h5" in the working directory
  std::vector<Override> overrides;
  bool fresh = false;
  bool retry_failed = false;
  bool quiet = false;
  /// This run's share of the tasks: the `part`-th of `parts`, counted from 1.
  int part = 1;
  int parts = 1;
  double checkpoint_seconds = 60.0;
  std::optional<double> time_limit_seconds;
  /// The command line, for the archive's history.
  std::string command;
};

/// Collective over `comm`. Gives the exit code: 0 done, 1 done with failed cells, 2 stopped early.
/// Throws BadInput (on every rank) before anything on disk was touched, std::runtime_error where
/// results could not be written. `report`, where given, is filled in on rank 0.
int run_study(const RunOptions& options, const Catalogue& catalogue, MPI_Comm comm, RunReport* report = nullptr);

/// The default archive of a study file.
std::string default_archive(const std::string& study);

}  // namespace meander
