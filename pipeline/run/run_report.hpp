// Where the time of a run went: for its last line, and for scaling studies.
#pragma once

#include <mpi.h>

#include <string>
#include <vector>

namespace meander {

/// Seconds by the clock; every rank goes through the same three stages, so that they add up to `wall`
/// on each of them.
struct RunReport {
  int ranks = 1;
  std::size_t tasks = 0;     // run, not found done
  double wall = 0.0;         // from the reading of the study to the written archive
  double prepare = 0.0;      // reading and checking, until the first task may start
  double work = 0.0;         // until the last rank is out of tasks
  double write = 0.0;        // the last shards, and the archive
  std::vector<double> busy;  // by rank: seconds of `work` in tasks; the rest is scheduling and idle time

  /// Mean over ranks of the seconds in tasks.
  double compute() const;
  /// Mean over ranks of the seconds in which tasks were looked for or waited for.
  double schedule() const { return work - compute(); }
  /// Share of all ranks' seconds that was spent in tasks.
  double efficiency() const;

  std::string json() const;
  /// Throws std::runtime_error where the text is no report.
  static RunReport parse(const std::string& json);
};

/// Writes the report, replacing the file; throws std::runtime_error where that fails.
void write_report(const RunReport& report, const std::string& path);
RunReport read_report(const std::string& path);

/// The ranks' seconds in tasks on rank 0, by rank; empty elsewhere. Collective.
std::vector<double> gather_seconds(MPI_Comm comm, double seconds);

}  // namespace meander
