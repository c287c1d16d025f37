// A scaling study as a study of its own: dimensions `ranks` and `repeat`, and where the time of each run
// went.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/run/run_report.hpp"

namespace meander {

struct ScalingSetup {
  Study subject;  // what is run
  bool weak = false;
  std::string launcher;
  std::vector<int> ranks;
  int repeats = 1;
};

/// One run of the subject. Without a report it failed, for the reason given.
struct ScalingRun {
  std::size_t rank_index = 0;  // in ScalingSetup::ranks
  int repeat = 0;
  double elapsed = 0.0;  // seconds that the launcher took, from its start to its end
  std::optional<RunReport> report;
  std::string problem;
};

/// The study of a scaling archive: measure `scaling`, swept over ranks and repeat.
Study scaling_study(const ScalingSetup& setup);
Layout scaling_layout();

/// Adds runs to the archive at `path`, or begins it; with `fresh` what is there is deleted. Under the archive's lock.
/// MPI must be running. Throws std::runtime_error where that cannot be written.
void write_scaling_archive(const std::string& path, const Study& study, const std::vector<ScalingRun>& runs, bool fresh,
                           const std::string& started, const std::string& history);

}  // namespace meander
