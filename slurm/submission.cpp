#include "slurm/submission.hpp"

#include <fmt/format.h>

#include <set>
#include <stdexcept>
#include <utility>

#include "pipeline/batch/slurm_program.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

constexpr const char* script = "job.sh";

/// One line of what a program said.
std::string words(const std::string& text) {
  std::string line;
  for (const char c : text) line += c == '\n' ? ' ' : c;
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

/// The id of the job that sbatch made of `options` and the script.
std::string sbatch(const Submission& job, const std::vector<std::string>& options,
                   const std::vector<std::string>& arguments) {
  std::vector<std::string> command{"sbatch", "--parsable"};
  command.insert(command.end(), options.begin(), options.end());
  command.emplace_back(script);
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto result = run_slurm(command, job.folder, job.without);
  if (!result) {
    throw std::runtime_error(
        "submit: error: there is no sbatch (Slurm is not installed here, or not in PATH) submit from a login node of "
        "the "
        "cluster; --dry-run prints the script");
  }
  if (result->code != 0) {
    const std::string said = words(result->err.empty() ? result->out : result->err);
    if (said.find("ontact slurm controller") != std::string::npos ||
        said.find("onnection refused") != std::string::npos || said.find("SLURM_CONF") != std::string::npos ||
        said.find("config") != std::string::npos) {
      throw std::runtime_error(fmt::format("submit: error: Slurm does not answer ({}) try again later", said));
    }
    throw BadInput(fmt::format("submit: error: Slurm rejected the job ({}) change the site file or the options", said));
  }
  const std::string id = job_number(result->out);
  if (!id.empty()) return id;
  throw StillQueued(
      fmt::format("submit: error: sbatch did not give the job's number (it said '{}'), but the job may be queued: look "
                  "with squeue --me --name={}, and scancel it before you submit again; its script is kept in {}",
                  words(result->out + result->err), job.name, job.folder));
}

/// Cancels a job; the words to add to a message, and whether that went well.
std::pair<std::string, bool> cancel(const std::string& id) {
  const auto result = run_slurm({"scancel", id});
  if (result && result->code == 0) return {fmt::format("; job {}, submitted before it, was cancelled", id), true};
  return {fmt::format("; job {}, submitted before it, could not be cancelled: run scancel {}", id, id), false};
}

}  // namespace

std::vector<BatchJob> submit_script(const Submission& job) {
  if (job.parts == 1) return {{.id = sbatch(job, {}, {}), .role = "run"}};
  const std::string array = sbatch(job, {fmt::format("--array=1-{}", job.parts), "--output=log-part-%a.txt"}, {});
  std::vector<BatchJob> jobs;
  for (int part = 1; part <= job.parts; ++part) {
    jobs.push_back({.id = fmt::format("{}_{}", array, part), .role = fmt::format("part-{}", part)});
  }
  try {
    const std::string merge =
        sbatch(job, {"--nodes=1", "--ntasks=1", "--dependency=afterany:" + array, "--output=log-merge.txt"}, {"merge"});
    jobs.push_back({.id = merge, .role = "merge"});
  } catch (const std::exception& error) {
    const auto [told, cancelled] = cancel(array);
    const std::string what = error.what() + told;
    if (!cancelled || dynamic_cast<const StillQueued*>(&error) != nullptr) throw StillQueued(what);
    if (dynamic_cast<const BadInput*>(&error) != nullptr) throw BadInput(what);
    throw std::runtime_error(what);
  }
  return jobs;
}

std::string take_back(const std::vector<BatchJob>& jobs) {
  std::set<std::string> ids;
  for (const BatchJob& job : jobs) ids.insert(job.id.substr(0, job.id.find('_')));
  std::string told;
  for (const std::string& id : ids) told += cancel(id).first;
  return told;
}

}  // namespace meander
