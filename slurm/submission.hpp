// Hands a written script to Slurm: all of its jobs, or none.
#pragma once

#include <string>
#include <vector>

#include "pipeline/batch/batch_jobs.hpp"

namespace meander {

/// Submits `folder`/job.sh: one job, or for `parts` > 1 an array and a job that merges it. Gives the
/// jobs. Throws BadInput with Slurm's own words where it rejects one, std::runtime_error where Slurm is
/// not installed or does not answer; jobs submitted before are cancelled.
std::vector<BatchJob> submit_script(const std::string& folder, int parts);

}  // namespace meander
