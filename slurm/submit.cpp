#include "slurm/submit.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/shards/archive_lock.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/batch/batch_jobs.hpp"
#include "pipeline/machine/subprocess.hpp"
#include "pipeline/run/memory_need.hpp"
#include "pipeline/run/progress.hpp"
#include "pipeline/run/run.hpp"
#include "pipeline/run/work.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/printing.hpp"
#include "pipeline/values/sha256.hpp"
#include "slurm/duration.hpp"
#include "slurm/job_plan.hpp"
#include "slurm/job_script.hpp"
#include "slurm/site.hpp"
#include "slurm/submission.hpp"
#include "slurm/submit_lock.hpp"

namespace meander {
namespace {

namespace fs = std::filesystem;

std::string absolute(const std::string& path) {
  return fs::absolute(path).lexically_normal().string();
}

JobWishes wishes_of(const SubmitArguments& arguments) {
  JobWishes wishes;
  if (arguments.nodes > 0) wishes.nodes = arguments.nodes;
  if (arguments.ranks > 0) wishes.ranks = arguments.ranks;
  wishes.parts = arguments.parts;
  wishes.checkpoint = arguments.checkpoint_seconds;
  if (!arguments.time.empty()) {
    wishes.seconds = parse_slurm_time(arguments.time);
    if (!wishes.seconds || *wishes.seconds < 60.0) {
      throw BadInput("--time " + arguments.time +
                     ": error: not a time of at least a minute (HH:MM:SS or D-HH:MM:SS is) write --time 04:00:00");
    }
  }
  return wishes;
}

/// Study and site, with the mistakes of both in one message.
void read_both(const SubmitArguments& arguments, const Catalogue& catalogue, BoundStudy& bound, Site& site) {
  std::string problems;
  const auto attempt = [&](const auto& read) {
    try {
      read();
    } catch (const BadInput& error) {
      problems += (problems.empty() ? "" : "\n") + std::string(error.what());
    }
  };
  attempt([&] { bound = arguments.study.read(catalogue); });
  attempt([&] { site = read_site(arguments.site); });
  if (!problems.empty()) throw BadInput(problems);
}

void check_target(const std::string& archive) {
  const fs::path folder = fs::path(archive).parent_path();
  std::error_code ignored;
  if (fs::is_directory(archive, ignored)) {
    throw BadInput(archive + ": error: the output is a directory (an archive is a file) give -o a file name");
  }
  if (!fs::is_directory(folder, ignored) || access(folder.c_str(), W_OK) != 0) {
    throw BadInput(fmt::format("{}: error: the output's folder cannot be written to; choose another -o", archive));
  }
  if (const auto holder = lock_holder(archive)) {
    throw BadInput(
        fmt::format("{}: error: a run writes this archive ({}) wait for it or choose another -o", archive, *holder));
  }
  for (const BatchJob& job : batch_jobs(archive)) {
    if (job.in_queue()) {
      throw BadInput(
          fmt::format("{}: error: {} works on this archive already; wait for it, scancel it, or choose "
                      "another -o",
                      archive, job.text()));
    }
  }
}

/// Archives and shards that the job will go on with.
std::vector<std::string> sources_of(const std::string& archive, int parts, const Study& study) {
  std::vector<std::string> archives{archive};
  if (parts > 1) {
    for (int part = 1; part <= parts; ++part)
      archives.push_back(fmt::format("{}/part-{}.h5", job_folder(archive), part));
  }
  std::vector<std::string> sources;
  for (const std::string& path : archives) {
    // Parts do not look into the archive: it is only what they are merged with.
    const bool counts = parts == 1 || path != archive;
    if (fs::exists(path)) {
      if (read_header(path).study.identity() != study.identity()) {
        throw BadInput(path + ": error: this archive is another study's; choose another -o");
      }
      if (counts) sources.push_back(path);
    }
    if (counts) {
      for (const std::string& shard : shard_files(path)) sources.push_back(shard);
    }
  }
  return sources;
}

Work tasks_to_do(const BoundStudy& bound, const std::vector<std::string>& sources) {
  const StatusMap statuses = read_statuses(bound.study, bound.measurement->layout(), sources);
  return choose_work(TaskList(bound.study, *bound.measurement), {},
                     [&](std::size_t family, std::size_t cell) { return statuses[family][cell] == Status::missing; });
}

void show_plan(std::FILE* to, const SubmitArguments& arguments, const Study& study, const std::string& archive,
               const JobPlan& plan) {
  const std::string title = one_line(study.title.empty() ? arguments.study.study : study.title);
  print_to(to, "{}\n", title);
  print_to(to, "  archive       {}\n", archive);
  print_to(to, "  tasks         {} to do, {:.3g} core-hours, the longest {}\n", plan.tasks, plan.core_seconds / 3600.0,
           duration_text(plan.longest));
  if (plan.longest > plan.seconds) {
    print_to(to, "  long tasks    keep their state and go on in the next job, {} jobs in a row\n", plan.jobs_in_a_row);
  }
  print_to(to, "  largest task  {:.3g} GB on each of its ranks\n", plan.task_bytes / 1e9);
  print_to(to, "  {:<12}  {} ranks on {} node{}, limit {}{}\n", plan.parts > 1 ? "each job" : "job", plan.ranks,
           plan.nodes, plan.nodes == 1 ? "" : "s", slurm_time(plan.seconds),
           plan.memory_per_node > 0.0 ? fmt::format(", {:.3g} GB a node", plan.memory_per_node / 1e9) : "");
  if (plan.parts > 1) print_to(to, "  jobs          {} side by side, and one that merges their archives\n", plan.parts);
  print_to(to, "  efficiency    {:.1f} % of the cores' time, predicted\n", 100.0 * plan.efficiency);
  constexpr double longest = 3e9;  // seconds; no job of a century is waited for
  const std::time_t end = std::time(nullptr) + static_cast<std::time_t>(std::min(plan.makespan, longest));
  print_to(to, "  expected end  {:%Y-%m-%d %H:%M} if it starts now: {} of computing{}\n", fmt::localtime(end),
           duration_text(plan.makespan),
           plan.jobs_in_a_row > 1 ? fmt::format(" in {} jobs, one after another", plan.jobs_in_a_row) : "");
}

bool agreed(bool yes) {
  if (yes) return true;
  if (isatty(STDIN_FILENO) == 0) {
    throw BadInput("submit: error: nobody to ask (the input is no terminal) add --yes to submit, --dry-run to look");
  }
  print_error("Submit? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

/// Puts the script into the job's folder; what earlier jobs said of themselves goes.
void write_script(const std::string& folder, const std::string& script) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("state-")) fs::remove(entry.path());
  }
  std::ofstream file(folder + "/job.sh", std::ios::binary | std::ios::trunc);
  file << script;
  if (!file.flush()) throw std::runtime_error(folder + "/job.sh: error: cannot be written");
}

/// The site file's own shell words may not fit together: better known now than when the job starts.
void check_shell(const std::string& folder, const std::string& site) {
  const auto result = run_program({"bash", "-n", "job.sh"}, folder);
  if (!result || result->code == 0) return;
  throw BadInput(
      fmt::format("{}: error: the script that it makes is no shell script (bash says: {}) look at launcher, "
                  "program and setup; --dry-run prints the script",
                  site, result->err.substr(0, result->err.find('\n'))));
}

void submit(const std::string& archive, const std::string& script, const std::string& site, Submission job) {
  job.folder = job_folder(archive);
  const SubmitLock lock(job.folder);
  std::vector<BatchJob> jobs;
  try {
    check_target(archive);  // again: another submit may just have ended
    write_script(job.folder, script);
    check_shell(job.folder, site);
    jobs = submit_script(job);
  } catch (const StillQueued&) {
    throw;
  } catch (...) {
    if (lock.made_folder()) fs::remove_all(job.folder);  // holds nothing but the script
    throw;
  }
  try {
    record_batch_jobs(archive, jobs);
  } catch (const std::exception& error) {
    throw std::runtime_error(error.what() + take_back(jobs));
  }
  const std::string array = jobs.front().id.substr(0, jobs.front().id.find('_'));
  print_output("submitted job {}{}\n", array, job.parts > 1 ? ", merged by job " + jobs.back().id : "");
  print_output("  look  meander status {}\n  logs  {}\n", shell_word(archive), job.folder);
}

/// Of a file as it is now; empty where it cannot be read.
std::string digest_of(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return "";
  std::ifstream file(path, std::ios::binary);
  return hexadecimal(sha256(std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>())));
}

}  // namespace

int submit_command(const SubmitArguments& arguments, const Catalogue& catalogue) {
  let_readers_go();
  BoundStudy bound;
  Site site;
  const JobWishes wishes = wishes_of(arguments);
  const std::string digest = digest_of(arguments.study.study);  // before it is read: what is checked is what is run
  read_both(arguments, catalogue, bound, site);
  const Study& study = bound.study;
  if (!study.warnings.empty()) print_error("{}\n", study.warnings);
  const std::string archive =
      absolute(arguments.archive.empty() ? default_archive(arguments.study.study) : arguments.archive);
  check_target(archive);
  const Work todo = tasks_to_do(bound, sources_of(archive, wishes.parts, study));
  if (todo.count() == 0 && wishes.parts == 1) {
    print_output("{}: nothing to do, no task is missing\n", archive);
    return exit_done;
  }
  const JobPlan plan = plan_job(todo, memory_need(study, bound.measurement->layout(), todo).other(), site, wishes);
  const JobTexts texts{fs::read_symlink("/proc/self/exe").string(),
                       absolute(arguments.study.study),
                       archive,
                       job_folder(archive),
                       arguments.study.set,
                       arguments.checkpoint_seconds,
                       fs::current_path().string(),
                       digest};
  const std::string script = job_script(texts, site, plan);
  show_plan(arguments.dry_run ? stderr : stdout, arguments, study, archive, plan);
  if (arguments.dry_run) {
    print_output_bytes(script);
    return exit_done;
  }
  std::fflush(stdout);
  if (!agreed(arguments.yes)) return exit_done;
  submit(archive, script, arguments.site,
         {.folder = {}, .parts = wishes.parts, .name = job_name(texts.study), .without = overruling_variables(site)});
  return exit_done;
}

}  // namespace meander
