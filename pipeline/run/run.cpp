#include "pipeline/run/run.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "pipeline/archive/format/provenance.hpp"
#include "pipeline/archive/read/archive_warnings.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/shards/archive_lock.hpp"
#include "pipeline/archive/shards/archive_target.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/shards/task_state.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "pipeline/machine/crash_report.hpp"
#include "pipeline/machine/memory.hpp"
#include "pipeline/measure/tasks.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/run/compute.hpp"
#include "pipeline/run/existing.hpp"
#include "pipeline/run/fit.hpp"
#include "pipeline/run/memory_need.hpp"
#include "pipeline/run/progress.hpp"
#include "pipeline/run/share_study.hpp"
#include "pipeline/run/stop.hpp"
#include "pipeline/run/work.hpp"
#include "pipeline/study_reader/study_reader.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// This run's share of what is still to do, largest first.
Work work_to_do(const TaskList& tasks, const StatusMap& statuses, const RunOptions& options, bool again) {
  return choose_work(tasks, {options.part, options.parts}, [&](std::size_t family, std::size_t cell) {
    const Status status = statuses[family][cell];
    return status == Status::missing || (again && status == Status::failed);
  });
}

std::size_t count(const StatusMap& statuses, Status status) {
  std::size_t cells = 0;
  for (const std::vector<Status>& family : statuses)
    cells += static_cast<std::size_t>(std::count(family.begin(), family.end(), status));
  return cells;
}

/// Tasks of this run's share that the archive does not have, and of others those that were there before.
std::size_t missing_tasks(const TaskList& tasks, const StatusMap& before, const StatusMap& statuses,
                          const RunOptions& options) {
  std::size_t missing = work_to_do(tasks, statuses, options, false).count();
  if (options.parts == 1) return missing;
  for (std::size_t f = 0; f < statuses.size(); ++f) {
    for (std::size_t cell = 0; cell < statuses[f].size(); ++cell)
      missing += statuses[f][cell] == Status::missing && before[f][cell] != Status::missing ? 1 : 0;
  }
  return missing;
}

/// The run's work on every rank, from rank 0's: the others need no list of the study's tasks.
Work share_work(MPI_Comm comm, Work work) {
  std::vector<Word> packed;
  on_root(comm, [&] { packed = work.packed(); });
  broadcast(comm, packed);
  together(comm, [&] {
    if (rank_of(comm) != 0) work = Work::unpacked(packed);
  });
  return work;
}

/// Of what is still to do: a study that is done asks for no memory and no ranks.
void check_fit(const Plan& plan, const Work& work, int ranks, int ranks_here) {
  std::string problems;
  const auto add = [&](const std::optional<std::string>& problem) {
    if (problem) problems += (problems.empty() ? "" : "\n") + *problem;
  };
  add(group_problem(plan.study, work, ranks));
  add(memory_problem(plan.study, plan.layout, work, memory_need(plan.study, plan.layout, work).other(), ranks_here,
                     memory_for(ranks_here),
                     [&](std::size_t family, const Point& point) { return plan.measurement->smaller(family, point); }));
  if (!problems.empty()) throw BadInput(problems);
}

/// The archive is the merge of what was there and every shard; its study is what they hold together,
/// so that cells of an earlier, larger sweep are kept. Gives rank 0 the sources.
std::vector<std::string> reduce(MPI_Comm comm, const Plan& plan, const RunOptions& options, const std::string& archive,
                                const std::string& started) {
  Existing existing;
  std::string target;
  std::string layout;
  std::string sources;
  on_root(comm, [&] {
    existing = look_at_existing(archive, plan.study, plan.layout, false);
    if (existing.complete_as_it_is) return;
    target = existing.united.text();
    layout = existing.layout.toml();
    for (const std::string& source : existing.sources) sources += source + '\0';  // a path may hold anything else
  });
  broadcast(comm, target);
  if (target.empty()) return existing.sources;  // nothing is new: the archive stays as it is
  broadcast(comm, layout);
  broadcast(comm, sources);
  std::vector<std::string> list;
  std::optional<Study> united;
  std::optional<Layout> united_layout;
  together(comm, [&] {
    for (std::size_t begin = 0; begin < sources.size();) {
      const std::size_t end = sources.find('\0', begin);
      list.push_back(sources.substr(begin, end - begin));
      begin = end + 1;
    }
    united = restore_study(target, plan.study.files);
    united_layout = Layout::parse(layout);
  });
  write_archive(comm, archive, *united, *united_layout, list,
                provenance(comm, started, options.command, existing.attributes));
  return list;
}

/// Memory that a task frees is kept for the next one, which needs as much: returned to the system, it would come back
/// page by page, which costs small tasks a tenth of their time.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that every version of glibc takes
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

/// Removes states of tasks that the archive has: a process may have been killed between a record and its state. A
/// failed task's stays: --retry-failed goes on with it.
void clear_states(const Plan& plan, const TaskList& tasks, const std::string& archive, const StatusMap& statuses) {
  const std::vector<std::string> files = state_files(archive);
  if (files.empty()) return;
  const std::set<std::string> there(files.begin(), files.end());
  for (const TaskRun& run : tasks.runs()) {
    if (!tasks.cost(run).keeps) continue;
    for (std::size_t cell = run.begin; cell < run.end; ++cell) {
      const Status status = statuses[run.family][cell];
      if (status == Status::missing || status == Status::failed) continue;
      const std::string state = state_file(archive, plan.key({run.family, cell, {}}));
      if (there.contains(state)) std::filesystem::remove(state);
    }
  }
}

/// Removes what the archive holds now from beside it.
void clear_shards(const std::string& archive, const std::vector<std::string>& sources, ArchiveLock& lock) {
  for (const std::string& source : sources) {
    if (source != archive) std::filesystem::remove(source);
  }
  std::error_code ignored;  // a state or an unreadable shard keeps the folder
  std::filesystem::remove(state_folder(archive), ignored);
  lock.remove();
}

/// Says how the run went, and gives the exit code.
int conclude(const TaskList& tasks, const RunOptions& options, const std::string& archive, const StatusMap& before,
             const StatusMap& statuses, const Outcome& outcome, const std::vector<std::string>& problems,
             const RunReport& report) {
  bool lost = false;
  for (const std::string& problem : problems) {
    if (problem.empty()) continue;
    lost = true;
    print_error("{}: error: results were not kept ({}) free some space and run again\n", archive, problem);
  }
  // A shard that could not be read back was left alone, and keeps what it holds; one that was removed, or the archive
  // that was there before, is gone.
  const std::size_t missing = outcome.complete && !lost ? missing_tasks(tasks, before, statuses, options) : 0;
  if (missing > 0) {
    lost = true;
    print_error(
        "{}: error: the results of {} task{} are missing in it (the archive or shards were removed or damaged while "
        "the "
        "run went on) run again to compute them\n",
        archive, missing, missing == 1 ? "" : "s");
  }
  const std::size_t failed = count(statuses, Status::failed);
  if (!options.quiet) {
    std::string line = fmt::format("{}: {} of {} tasks done ({} from before), {} failed", archive,
                                   tasks.size() - count(statuses, Status::missing), tasks.size(),
                                   tasks.size() - count(before, Status::missing), failed);
    for (const auto& [status, what] :
         {std::pair{Status::out_of_range, "out of range"}, {Status::not_converged, "not converged"}}) {
      if (const std::size_t cells = count(statuses, status); cells > 0) line += fmt::format(", {} {}", cells, what);
    }
    line += fmt::format(", in {} on {} rank{}", duration_text(report.wall), report.ranks, report.ranks == 1 ? "" : "s");
    if (report.tasks > 0) line += fmt::format(", efficiency {:.0f} %", 100.0 * report.efficiency());
    print_error("{}\n", line);
  }
  for (const std::string& warning : archive_warnings(archive)) print_error("{}: {}\n", archive, warning);
  if (failed > 0) {
    print_error("{}: {} failed; `meander status {}` says why, `meander run --retry-failed` tries again\n", archive,
                failed == 1 ? "a task has" : fmt::format("{} tasks have", failed), archive);
  }
  if (lost) return 1;
  if (outcome.complete) return failed > 0 ? 1 : 0;
  const std::string begun = outcome.interrupted > 0 ? fmt::format(" with {} task{} begun", outcome.interrupted,
                                                                  outcome.interrupted == 1 ? "" : "s")
                                                    : "";
  print_error("{}: stopped early{}; run the same command again to go on\n", archive, begun);
  return 2;
}

/// Results are on disk: what cannot be read or written from here on is no mistake in what the user gave. All ranks are
/// here, of the same failure.
template <class Action>
void after_computing(const Action& action) {
  try {
    action();
  } catch (const BadInput& error) {
    throw Agreed<std::runtime_error>(error.what());
  }
}

}  // namespace

std::string default_archive(const std::string& study) {
  return std::filesystem::path(study).stem().string() + ".h5";
}

int run_study(const RunOptions& options, const Catalogue& catalogue, MPI_Comm comm, RunReport* report) {
  const std::string started = utc_now();
  const Clock::time_point start = Clock::now();
  const bool root = rank_of(comm) == 0;
  std::string archive = options.archive.empty() ? default_archive(options.study) : options.archive;
  const StopSignals signals;
  report_crashes(rank_of(comm));
  keep_freed_memory();

  BoundStudy bound;
  on_root(comm, [&] {
    bound = read_study(options.study, options.overrides, catalogue);
    if (!bound.study.warnings.empty()) print_error("{}\n", bound.study.warnings);
    check_target(archive, options.fresh);
    archive = archive_target(archive);
  });
  broadcast(comm, archive);
  broadcast(comm, bound.study);
  std::optional<const Plan> made;
  together(comm, [&] {
    if (!root) bound = catalogue.bind(std::move(bound.study));
    made.emplace(std::move(bound));
  });
  const Plan& plan = *made;

  const int ranks_here = ranks_of_machine(comm);
  std::optional<ArchiveLock> lock;
  TaskList tasks;  // of the whole study; rank 0's alone
  Work own;
  StatusMap before;
  on_root(comm, [&] {
    tasks = TaskList(plan.study, *plan.measurement);
    const auto still_to_do = [&](const Existing& existing) {
      before = read_statuses(plan.study, plan.layout, existing.sources);
      return work_to_do(tasks, before, options, options.retry_failed);
    };
    // Before the lock touches the disk.
    check_fit(plan, still_to_do(look_at_existing(archive, plan.study, plan.layout, options.fresh)), size_of(comm),
              ranks_here);
    lock.emplace(archive);
    const Existing existing = look_at_existing(archive, plan.study, plan.layout, options.fresh);
    if (!existing.warning.empty()) print_error("{}\n", existing.warning);
    own = still_to_do(existing);
    remove_stale_states(archive);
    if (options.fresh) {
      const std::string aside = start_over(archive);
      if (!aside.empty() && !options.quiet) print_error("{}: what was there is kept as {}\n", archive, aside);
    }
  });
  const Work work = share_work(comm, std::move(own));
  const double prepared = seconds_since(start);

  const Outcome outcome = compute(plan, work, options, archive, comm);
  const std::vector<std::string> problems = gather(comm, outcome.write_problem);
  RunReport split{.ranks = size_of(comm),
                  .tasks = work.count(),
                  .wall = seconds_since(start),
                  .prepare = prepared,
                  .work = outcome.work_seconds,
                  .busy = gather_seconds(comm, outcome.busy_seconds)};

  int code = 0;
  after_computing([&] {
    on_root(comm, [&] { lock->renew(); });  // somebody may have removed the folder that it lies in
    const std::vector<std::string> sources = reduce(comm, plan, options, archive, started);
    on_root(comm, [&] {
      const StatusMap reached = read_statuses(plan.study, plan.layout, {archive});  // before anything is removed
      clear_states(plan, tasks, archive, reached);
      clear_shards(archive, sources, *lock);
      code = conclude(tasks, options, archive, before, reached, outcome, problems, split);
    });
  });
  MPI_Bcast(&code, 1, MPI_INT, 0, comm);
  split.wall = seconds_since(start);
  split.write = split.wall - split.prepare - split.work;
  if (report != nullptr && root) *report = split;
  return code;
}

}  // namespace meander
