// Slurm's programs as their manuals describe them, whatever the user's environment asks of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/machine/subprocess.hpp"

namespace meander {

/// Runs one of Slurm's programs (run_program), in the C locale and without what would change its output or what is
/// asked of it: SQUEUE_*, SINFO_* and SCONTROL_*, SLURM_TIME_FORMAT, and the variables named in `without`.
std::optional<ProgramResult> run_slurm(const std::vector<std::string>& arguments, const std::string& folder = "",
                                       const std::vector<std::string>& without = {});

/// Variables that have precedence over a script's #SBATCH lines in sbatch, for the options that every script of
/// meander's has, or that would change what sbatch does and says.
std::vector<std::string> sbatch_variables();

/// The job's number in what `sbatch --parsable` printed: the last line that is "NUMBER" or "NUMBER;CLUSTER", since a
/// site's wrapper may say something first. Empty where there is none.
std::string job_number(const std::string& printed);

/// Seconds that Slurm's "days-hours:minutes:seconds" means, in its last line, any leading part left out; 0 where a job
/// has used up more than it may; nothing for UNLIMITED, or what is no time.
std::optional<double> slurm_seconds(const std::string& printed);

}  // namespace meander
