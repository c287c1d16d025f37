// The batch jobs that work on an archive: recorded beside it, looked up in Slurm.
#pragma once

#include <string>
#include <vector>

namespace meander {

/// Where `meander submit` keeps a job's script, logs, state and partial archives.
std::string job_folder(const std::string& archive);

struct BatchJob {
  std::string id = {};      // "17", or "17_3" for an element of an array
  std::string role = {};    // "run", "part-3", "merge"
  std::string state = {};   // as Slurm says it, RUNNING; empty where Slurm no longer knows the job, or is not there
  std::string reason = {};  // why it waits or how it ended, as Slurm says it
  std::string last = {};    // what the job's script last wrote of itself: "running", "finished", "gave up ..."

  /// Whether the job is waiting or running.
  bool in_queue() const;
  /// "job 17 RUNNING", "job 17_3 (part-3) PENDING (Resources)".
  std::string text() const;
};

/// The jobs recorded for an archive, in the order of submission, with their states; empty where none was
/// ever submitted. Recorded files that cannot be read count as none.
std::vector<BatchJob> batch_jobs(const std::string& archive);

/// Records jobs (id and role) as those of the archive, in place of earlier ones. Throws
/// std::runtime_error where that cannot be written.
void record_batch_jobs(const std::string& archive, const std::vector<BatchJob>& jobs);

}  // namespace meander
