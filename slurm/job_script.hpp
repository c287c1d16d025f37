// The batch script of a study: one file that people can read, and submit again by hand.
#pragma once

#include <string>
#include <vector>

#include "slurm/job_plan.hpp"
#include "slurm/site.hpp"

namespace meander {

/// `text` as one word of the shell, whatever it holds: quotes, $(), newlines. A zero byte cannot be
/// given to a program: BadInput.
std::string shell_word(const std::string& text);

/// What the script runs. Paths are absolute.
struct JobTexts {
  std::string program;  // this program's path, used where the site names none
  std::string study;
  std::string archive;
  std::string folder;  // of the script, its logs and its state
  std::vector<std::string> set;
  double checkpoint_seconds = 60.0;
  std::string directory = "/";  // where it was submitted
  std::string digest = {};      // SHA-256 of the study file, in hexadecimal
};

/// The name that Slurm shows for the study: letters, digits, '.', '_' and '-' of its file's stem.
std::string job_name(const std::string& study);

/// Whether Slurm can write its log into `folder`: it replaces % and \ in a job's own folder too.
bool slurm_can_log_into(const std::string& folder);

/// Variables of sbatch that would overrule the script's own lines.
std::vector<std::string> overruling_variables(const Site& site);

/// The whole script. Without argument it does the study, or as an element of a job array its part;
/// with the argument `merge` it joins the parts. Throws BadInput where a text cannot be passed on.
std::string job_script(const JobTexts& texts, const Site& site, const JobPlan& plan);

}  // namespace meander
