// Hands a written script to Slurm: all of its jobs, or none.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/batch/batch_jobs.hpp"

namespace meander {

/// What is handed to Slurm.
struct Submission {
  std::string folder;                // of job.sh
  int parts = 1;                     // more than 1: an array, and a job that merges it
  std::string name;                  // by which squeue finds the jobs
  std::vector<std::string> without;  // variables of the environment that would overrule the script
};

/// A failure that may have left a job in the queue: its folder must stay.
struct StillQueued : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Submits the script. Gives the jobs. Throws BadInput with Slurm's own words where it rejects one, std::runtime_error
/// where Slurm is not installed or does not answer; jobs submitted before are cancelled. StillQueued, with what to do,
/// where one could not be cancelled, or where sbatch succeeded without saying as which job.
std::vector<BatchJob> submit_script(const Submission& job);

/// Cancels jobs that were submitted; what became of them, to be added to a message.
std::string take_back(const std::vector<BatchJob>& jobs);

}  // namespace meander
