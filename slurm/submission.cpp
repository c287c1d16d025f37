#include "slurm/submission.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "pipeline/machine/subprocess.hpp"
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
std::string sbatch(const std::string& folder, const std::vector<std::string>& options,
                   const std::vector<std::string>& arguments) {
  std::vector<std::string> command{"sbatch", "--parsable"};
  command.insert(command.end(), options.begin(), options.end());
  command.emplace_back(script);
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto result = run_program(command, folder);
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
  std::string id = result->out.substr(0, result->out.find_first_of(";\n"));
  if (id.empty() || id.find_first_not_of("0123456789") != std::string::npos) {
    throw std::runtime_error(fmt::format("submit: error: sbatch gave no job id (it said '{}')", words(result->out)));
  }
  return id;
}

/// Cancels a job; the words to add to a message.
std::string cancel(const std::string& id) {
  const auto result = run_program({"scancel", id});
  if (result && result->code == 0) return fmt::format("; job {}, submitted before it, was cancelled", id);
  return fmt::format("; job {}, submitted before it, could not be cancelled: run scancel {}", id, id);
}

}  // namespace

std::vector<BatchJob> submit_script(const std::string& folder, int parts) {
  if (parts == 1) return {{.id = sbatch(folder, {}, {}), .role = "run"}};
  const std::string array = sbatch(folder, {fmt::format("--array=1-{}", parts), "--output=log-part-%a.txt"}, {});
  std::vector<BatchJob> jobs;
  for (int part = 1; part <= parts; ++part) {
    jobs.push_back({.id = fmt::format("{}_{}", array, part), .role = fmt::format("part-{}", part)});
  }
  try {
    const std::string merge = sbatch(
        folder, {"--nodes=1", "--ntasks=1", "--dependency=afterany:" + array, "--output=log-merge.txt"}, {"merge"});
    jobs.push_back({.id = merge, .role = "merge"});
  } catch (const BadInput& error) {
    throw BadInput(error.what() + cancel(array));
  } catch (const std::exception& error) {
    throw std::runtime_error(error.what() + cancel(array));
  }
  return jobs;
}

}  // namespace meander
