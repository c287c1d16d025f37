#include "pipeline/batch/batch_jobs.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "pipeline/batch/slurm_program.hpp"

namespace meander {
namespace {

std::string jobs_file(const std::string& archive) {
  return job_folder(archive) + "/jobs";
}

bool is_job_id(const std::string& id) {
  return !id.empty() && id.find_first_not_of("0123456789_") == std::string::npos;
}

/// The job's state file has one line: tries, missing cells, and words.
std::string last_words(const std::string& archive, const std::string& role) {
  std::ifstream file(job_folder(archive) + "/state-" + role);
  std::string tries;
  std::string missing;
  std::string words;
  file >> tries >> missing;
  std::getline(file >> std::ws, words);
  return words;
}

void ask_slurm(std::vector<BatchJob>& jobs) {
  // One call for each submission: Slurm answers nothing at all where it has forgotten a job.
  std::map<std::string, std::vector<BatchJob*>> submissions;
  for (BatchJob& job : jobs) submissions[job.id.substr(0, job.id.find('_'))].push_back(&job);
  for (auto& [id, members] : submissions) {
    const auto answer =
        run_slurm({"squeue", "--noheader", "--array", "--states=all", "--format=%i|%T|%r", "--jobs=" + id});
    if (!answer) return;
    std::istringstream lines(answer->out);
    for (std::string line; std::getline(lines, line);) {
      const std::size_t first = line.find('|');
      const std::size_t second = line.find('|', first + 1);
      if (second == std::string::npos) continue;
      for (BatchJob* job : members) {
        if (line.substr(0, first) != job->id) continue;
        job->state = line.substr(first + 1, second - first - 1);
        job->reason = line.substr(second + 1);
      }
    }
  }
}

}  // namespace

std::string job_folder(const std::string& archive) {
  return archive + ".job";
}

bool BatchJob::in_queue() const {
  constexpr std::array over{"",          "COMPLETED", "CANCELLED", "FAILED",        "TIMEOUT",
                            "NODE_FAIL", "DEADLINE",  "BOOT_FAIL", "OUT_OF_MEMORY", "PREEMPTED"};
  return std::find(over.begin(), over.end(), state) == over.end();
}

std::string BatchJob::text() const {
  std::string text = "job " + id;
  if (role != "run") text += " (" + role + ")";
  text += state.empty() ? " is over" : " " + state;
  if (!reason.empty() && reason != "None") text += " (" + reason + ")";
  return text;
}

std::vector<BatchJob> batch_jobs(const std::string& archive) {
  std::vector<BatchJob> jobs;
  std::ifstream file(jobs_file(archive));
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    BatchJob job;
    words >> job.id >> job.role;
    const bool known = std::any_of(jobs.begin(), jobs.end(), [&](const BatchJob& other) { return other.id == job.id; });
    if (!is_job_id(job.id) || job.role.empty() || job.role.find('/') != std::string::npos || known) continue;
    job.last = last_words(archive, job.role);
    jobs.push_back(std::move(job));
  }
  ask_slurm(jobs);
  return jobs;
}

void record_batch_jobs(const std::string& archive, const std::vector<BatchJob>& jobs) {
  std::ofstream file(jobs_file(archive), std::ios::trunc);
  for (const BatchJob& job : jobs) file << job.id << ' ' << job.role << '\n';
  if (!file.flush()) throw std::runtime_error(jobs_file(archive) + ": error: cannot be written");
}

}  // namespace meander
