#include "pipeline/run/run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include "pipeline/archive/archive_lock.hpp"
#include "pipeline/archive/archive_warnings.hpp"
#include "pipeline/archive/provenance.hpp"
#include "pipeline/archive/store.hpp"
#include "pipeline/collective.hpp"
#include "pipeline/run/crash_report.hpp"
#include "pipeline/run/progress.hpp"
#include "pipeline/run/stop.hpp"
#include "pipeline/run/task_guard.hpp"
#include "pipeline/run/work.hpp"
#include "pipeline/schedule/scheduler.hpp"
#include "pipeline/tasks.hpp"

namespace meander {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What a run needs to know on every rank once its input was found good.
struct Plan {
  Study study;
  std::unique_ptr<Measurement> measurement;
  Layout layout;
  std::vector<TaskRef> tasks;  // of the whole study
  std::vector<CellSpace> cells;

  Plan(Study s, const Catalogue& catalogue)
      : study(std::move(s)), measurement(catalogue.find(study.measure)->bind(study)), layout(measurement->layout()) {
    tasks = list_tasks(study, *measurement);
    for (const Family& family : layout.families) cells.emplace_back(study, family);
  }
};

/// Rank 0's view of what lies at the archive's path.
struct Existing {
  bool archive = false;
  Study united;
  Layout layout;
  Attributes attributes;
  std::vector<std::string> sources;
  std::string warning;
};

/// The settings in which two studies differ, for the message that refuses to mix them.
std::string difference(const Study& mine, const Study& theirs) {
  const auto lines = [](const Study& study) {
    Study bare = study;
    bare.title.clear();
    bare.realizations = 1;
    for (SweepDimension& dimension : bare.sweep)
      dimension.values.resize(std::min<std::size_t>(1, dimension.values.size()));
    std::vector<std::string> out;
    std::string text = bare.text();
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      out.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return out;
  };
  const std::vector<std::string> a = lines(mine);
  const std::vector<std::string> b = lines(theirs);
  const auto missing_in = [](const std::vector<std::string>& all, const std::string& line) {
    return std::find(all.begin(), all.end(), line) == all.end();
  };
  std::string here;
  std::string there;
  for (const std::string& line : a) {
    if (missing_in(b, line)) here += (here.empty() ? "" : "; ") + line;
  }
  for (const std::string& line : b) {
    if (missing_in(a, line)) there += (there.empty() ? "" : "; ") + line;
  }
  if (here.empty() && there.empty()) return "the content of an input file or the measure's version differs";
  return fmt::format("here: {}; there: {}", here.empty() ? "nothing" : here, there.empty() ? "nothing" : there);
}

Header readable_header(const std::string& path) {
  Header header = read_header(path);
  if (header.is_shard) throw BadInput(path + ": error: this is a shard, not an archive; give the archive's path");
  return header;
}

void check_target(const std::string& archive) {
  std::error_code error;
  const std::filesystem::path path(archive);
  if (std::filesystem::is_directory(path, error)) {
    throw BadInput(archive + ": error: the output is a directory (an archive is a file) give -o a file name");
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder, error)) {
    throw BadInput(fmt::format("{}: error: the output's folder '{}' does not exist; create it or choose another -o",
                               archive, folder.string()));
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw BadInput(fmt::format("{}: error: the output's folder '{}' cannot be written to; choose another -o", archive,
                               folder.string()));
  }
}

/// Refuses what does not belong to `study`; changes nothing.
Existing look_at_existing(const std::string& archive, const Study& study, const Layout& layout, bool fresh) {
  Existing existing{false, study, layout, {}, {}, {}};
  const auto join = [&](const Header& header, const std::string& path) {
    if (header.study.identity() != study.identity()) {
      throw BadInput(
          fmt::format("{}: error: this archive is another study's ({}) choose another -o, or --fresh to start over",
                      path, difference(study, header.study)));
    }
    existing.united = unite(existing.united, header.study);
    existing.layout = unite(existing.layout, header.layout);
  };
  if (std::filesystem::exists(archive)) {
    const Header header = readable_header(archive);  // also with --fresh: never overwrite what is not ours
    existing.archive = true;
    existing.warning = header.warning;
    if (!fresh) {
      join(header, archive);
      existing.attributes = header.attributes;
      existing.sources.push_back(archive);
    }
  }
  if (fresh) return existing;
  for (const std::string& shard : shard_files(archive)) {
    std::optional<Header> header;
    try {
      header = read_header(shard);
    } catch (const BadInput& error) {
      fmt::print(stderr, "{}: warning: unreadable shard is left alone, its tasks are done again\n  {}\n", shard,
                 error.what());
      continue;
    }
    join(*header, shard);
    existing.sources.push_back(shard);
  }
  return existing;
}

void start_over(const std::string& archive) {
  std::filesystem::remove(archive);
  for (const std::string& shard : shard_files(archive)) std::filesystem::remove(shard);
}

/// This run's share of what is still to do, as indices into the plan's tasks, largest first.
std::vector<std::size_t> tasks_to_do(const Plan& plan, const StatusMap& statuses, const RunOptions& options) {
  const std::vector<std::size_t> order = largest_first(plan.tasks);
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < order.size(); ++i) {
    // Dealt like cards, so that the parts of a job array cost the same; by the whole study, so that a
    // resumed part keeps its share.
    if (static_cast<int>(i % static_cast<std::size_t>(options.parts)) != options.part - 1) continue;
    const TaskRef& task = plan.tasks[order[i]];
    const Status status = statuses[task.family][task.cell];
    if (status == Status::missing || (options.retry_failed && status == Status::failed)) wanted.push_back(order[i]);
  }
  return wanted;
}

std::string task_text(const Plan& plan, const CellSpace& cells, const TaskRef& ref) {
  std::string text = plan.layout.families[ref.family].name;
  const std::vector<std::size_t> at = cells.indices(ref.cell);
  for (std::size_t d = 0; d < at.size(); ++d) {
    const std::string& name = cells.names()[d];
    const SweepDimension* dimension = plan.study.dimension(name);
    text += fmt::format(", {} = {}", name, dimension ? dimension->values[at[d]].text() : std::to_string(at[d]));
  }
  return text;
}

/// One task on this rank. Whatever goes wrong in it makes a failed cell.
Record run_task(const Plan& plan, const TaskRef& ref, MPI_Comm group) {
  const Family& family = plan.layout.families[ref.family];
  const CellSpace& cells = plan.cells[ref.family];
  const Point point(plan.study, cells.point_indices(ref.cell));
  const Task task{plan.study,        point, ref.family, cells.realization(ref.cell), plan.study.seed,
                  point_salt(point), group};
  Record record;
  record.key = task_key(plan.study, family, cells, ref.cell);
  record.family = ref.family;
  record.cell = ref.cell;
  const Clock::time_point start = Clock::now();
  note_task(task_text(plan, cells, ref));
  Results results = guarded(family, [&](Results& filled) { plan.measurement->run(task, filled); });
  note_task("");
  record.seconds = seconds_since(start);
  std::move(results).fill(record);
  return record;
}

struct Outcome {
  bool complete = false;      // every task of the share was run
  double busy_seconds = 0.0;  // of this rank
  double work_seconds = 0.0;  // until the last rank was out of tasks
  std::string write_problem;  // of this rank's shard
};

Outcome compute(const Plan& plan, const Work& work, const RunOptions& options, const std::string& archive,
                MPI_Comm comm) {
  Outcome outcome;
  const Clock::time_point start = Clock::now();
  std::optional<double> limit = options.time_limit_seconds;
  if (!limit) {
    double left = rank_of(comm) == 0 ? batch_seconds_left().value_or(-1.0) : -1.0;
    MPI_Bcast(&left, 1, MPI_DOUBLE, 0, comm);
    if (left >= 0.0) limit = left;
  }
  StopClock clock(limit);
  ScheduleOptions schedule;
  schedule.may_start = [&](double seconds) { return clock.may_start(seconds); };
  Scheduler scheduler(comm, work.phases, schedule);
  ShardWriter shard(shard_folder(archive), rank_of(comm), plan.study, plan.layout,
                    std::chrono::duration<double>(options.checkpoint_seconds));
  std::string told;  // of the shard's troubles
  {
    const ProgressDisplay display(rank_of(comm) == 0 ? progress_style(options.quiet) : ProgressStyle::none, work.count,
                                  work.seconds, [&] { return scheduler.progress(); });
    outcome.complete = scheduler.run([&](std::size_t phase, std::size_t index, MPI_Comm group) {
      const TaskRef& ref = plan.tasks[work.task[phase][index]];
      Record record = run_task(plan, ref, group);
      clock.learn(ref.cost.seconds, record.seconds);
      outcome.busy_seconds += record.seconds;
      if (rank_of(group) == 0) shard.add(std::move(record));
      if (const std::string problem = shard.problem(); problem != told) {
        told = problem;
        if (!told.empty()) {
          fmt::print(stderr, "{}: warning: rank {} cannot keep its results yet ({}); it tries again every {} s\n",
                     archive, rank_of(comm), told, options.checkpoint_seconds);
        }
      }
    });
  }
  outcome.work_seconds = seconds_since(start);
  try {
    shard.close();
  } catch (const std::exception& error) {
    outcome.write_problem = fmt::format("rank {}: {}", rank_of(comm), error.what());
  }
  return outcome;
}

std::size_t count(const StatusMap& statuses, Status status) {
  std::size_t cells = 0;
  for (const std::vector<Status>& family : statuses)
    cells += static_cast<std::size_t>(std::count(family.begin(), family.end(), status));
  return cells;
}

}  // namespace

std::string default_archive(const std::string& study) {
  return std::filesystem::path(study).stem().string() + ".h5";
}

int run_study(const RunOptions& options, const Catalogue& catalogue, MPI_Comm comm, RunReport* report) {
  const std::string started = utc_now();
  const Clock::time_point start = Clock::now();
  const bool root = rank_of(comm) == 0;
  const std::string archive = options.archive.empty() ? default_archive(options.study) : options.archive;
  const StopSignals signals;
  report_crashes(rank_of(comm));

  Study study;
  on_root(comm, [&] {
    study = read_study(options.study, options.overrides, catalogue);
    if (!study.warnings.empty()) fmt::print(stderr, "{}\n", study.warnings);
    check_target(archive);
  });
  broadcast(comm, study);
  const Plan plan(std::move(study), catalogue);

  Existing existing;
  std::optional<ArchiveLock> lock;
  StatusMap statuses;
  std::string packed;  // the statuses as bytes
  on_root(comm, [&] {
    for (const TaskRef& task : plan.tasks) {
      if (task.cost.ranks_per_task > size_of(comm)) {
        throw BadInput(fmt::format(
            "{}: error: a task needs {} ranks ({} were started) use mpirun -n {} or a smaller ranks_per_task",
            options.study, task.cost.ranks_per_task, size_of(comm), task.cost.ranks_per_task));
      }
    }
    look_at_existing(archive, plan.study, plan.layout, options.fresh);  // before the lock touches the disk
    lock.emplace(archive);
    existing = look_at_existing(archive, plan.study, plan.layout, options.fresh);
    if (!existing.warning.empty()) fmt::print(stderr, "{}\n", existing.warning);
    if (options.fresh) start_over(archive);
    statuses = read_statuses(plan.study, plan.layout, existing.sources);
    for (const auto& family : statuses) {
      for (const Status status : family) packed.push_back(static_cast<char>(status));
    }
  });
  broadcast(comm, packed);
  if (!root) {
    std::size_t next = 0;
    for (const CellSpace& cells : plan.cells) {
      std::vector<Status>& family = statuses.emplace_back(cells.size());
      for (Status& status : family) status = static_cast<Status>(packed[next++]);
    }
  }

  const Work work = make_work(plan.tasks, tasks_to_do(plan, statuses, options));
  const std::size_t kept = plan.tasks.size() - count(statuses, Status::missing);
  const double prepared = seconds_since(start);
  const Outcome outcome = compute(plan, work, options, archive, comm);

  const std::vector<std::string> problems = gather(comm, outcome.write_problem);
  RunReport split{.ranks = size_of(comm),
                  .tasks = work.count,
                  .wall = seconds_since(start),
                  .prepare = prepared,
                  .work = outcome.work_seconds,
                  .busy = gather_seconds(comm, outcome.busy_seconds)};

  // The archive is the merge of what was there and every shard; the target study is what they hold
  // together, so that cells of an earlier, larger sweep are kept.
  std::string target;
  std::string target_layout;
  std::string source_list;
  on_root(comm, [&] {
    existing = look_at_existing(archive, plan.study, plan.layout, false);
    target = existing.united.text();
    target_layout = existing.layout.toml();
    for (const std::string& source : existing.sources) source_list += source + '\n';
  });
  broadcast(comm, target);
  broadcast(comm, target_layout);
  broadcast(comm, source_list);
  std::vector<std::string> sources;
  for (std::size_t begin = 0; begin < source_list.size();) {
    const std::size_t end = source_list.find('\n', begin);
    sources.push_back(source_list.substr(begin, end - begin));
    begin = end + 1;
  }
  write_archive(comm, archive, restore_study(target, plan.study.files), Layout::parse(target_layout), sources,
                provenance(comm, started, options.command, existing.attributes));
  int code = 0;
  if (root) {
    bool lost = false;
    for (const std::string& problem : problems) {
      if (problem.empty()) continue;
      lost = true;
      fmt::print(stderr, "{}: error: results were not kept ({}) free some space and run again\n", archive, problem);
    }
    const StatusMap after = read_statuses(plan.study, plan.layout, {archive});
    for (const std::string& source : sources) {
      if (source != archive) std::filesystem::remove(source);
    }
    lock->remove_file();
    std::error_code ignored;  // an unreadable shard keeps the folder
    std::filesystem::remove(shard_folder(archive), ignored);

    const std::size_t failed = count(after, Status::failed);
    code = lost || failed > 0 ? 1 : outcome.complete ? 0 : 2;
    if (!options.quiet) {
      fmt::print(stderr,
                 "{}: {} of {} tasks done ({} from before), {} failed, in {} on {} rank{}, efficiency {:.0f} %\n",
                 archive, plan.tasks.size() - count(after, Status::missing), plan.tasks.size(), kept, failed,
                 duration_text(split.wall), size_of(comm), size_of(comm) == 1 ? "" : "s", 100.0 * split.efficiency());
    }
    for (const std::string& warning : archive_warnings(archive)) fmt::print(stderr, "{}: {}\n", archive, warning);
    if (failed > 0) {
      fmt::print(stderr, "{}: {} failed; `meander status {}` says why, `meander run --retry-failed` tries again\n",
                 archive, failed == 1 ? "a task has" : fmt::format("{} tasks have", failed), archive);
    }
    if (code == 2) fmt::print(stderr, "{}: stopped early; run the same command again to go on\n", archive);
  }
  MPI_Bcast(&code, 1, MPI_INT, 0, comm);
  split.wall = seconds_since(start);
  split.write = split.wall - split.prepare - split.work;
  if (report != nullptr && root) *report = split;
  return code;
}

}  // namespace meander
