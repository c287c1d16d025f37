// What `meander status` says of one archive and of a folder of them.
#pragma once

#include <string>
#include <vector>

#include "pipeline/archive/read/archive_summary.hpp"
#include "pipeline/batch/batch_jobs.hpp"

namespace meander {

/// Why cells are not done and at which parameters: a line for each message, below it at most three
/// points and a count of the others.
std::string failure_lines(const Summary& summary, const std::string& indent);

/// Tasks with a kept state: how many, how far they are (at most eight of them), how often they were gone on with. A
/// line, or nothing where there are none.
std::string begun_line(const std::vector<BegunTask>& begun, const std::string& indent);

/// The jobs that wait or run, and what ended ones said of themselves where that is not success: at most
/// four lines and a count.
std::string job_lines(const std::vector<BatchJob>& jobs, const std::string& indent);

/// The command on an archive of which nothing is there yet but batch jobs (waiting ones, an array's parts) or the lock
/// of a run that has just begun.
int begun_status_command(const std::string& archive, bool json);

/// The command on a folder. Throws BadInput where it holds no archive.
int folder_status_command(const std::string& folder, bool json);

}  // namespace meander
