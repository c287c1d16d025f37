#include "pipeline/run/compute.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "kernels/base/stop_point.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/shards/shard_writer.hpp"
#include "pipeline/machine/crash_report.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/ranks/group_end.hpp"
#include "pipeline/ranks/rank_group.hpp"
#include "pipeline/run/progress.hpp"
#include "pipeline/run/rank_control.hpp"
#include "pipeline/run/stop.hpp"
#include "pipeline/run/task_guard.hpp"
#include "pipeline/schedule/scheduler.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string task_text(const Plan& plan, const CellSpace& cells, const TaskRef& ref) {
  std::string text = plan.layout.families[ref.family].name;
  const std::vector<std::size_t> at = cells.indices(ref.cell);
  for (std::size_t d = 0; d < at.size(); ++d) {
    const std::string& name = cells.names()[d];
    const SweepDimension* dimension = plan.study.dimension(name);
    text += fmt::format(", {} = {}", name, dimension ? dimension->values[at[d]].label() : std::to_string(at[d]));
  }
  return text;
}

/// One task on this rank; nothing where it was interrupted: by itself, where it keeps its state, or in the middle of
/// its theory once `stopping` says so. Whatever goes wrong in it makes a failed cell. Gives the seconds that it took.
/// `end` hears of what the other ranks of the group may know nothing of.
std::optional<Record> run_task(const Plan& plan, const TaskRef& ref, MPI_Comm group, RankControl* control,
                               const std::function<bool()>& stopping, double& seconds, GroupEnd& end) {
  bool told = false;
  const Family& family = plan.layout.families[ref.family];
  const CellSpace& cells = plan.cells[ref.family];
  const Point point(plan.study, cells.point_indices(ref.cell));
  const RankGroup ranks{group};
  Task task{plan.study, point, ref.family, cells.realization(ref.cell), plan.study.seed, point_salt(point), &ranks};
  if (control != nullptr) task.control = control;
  Record record;
  record.key = plan.key(ref);
  record.family = ref.family;
  record.cell = ref.cell;
  const Clock::time_point start = Clock::now();
  note_task(task_text(plan, cells, ref));
  std::optional<Results> results = guarded(family, [&](Results& filled) {
    try {
      std::optional<ScopedStopPoint> stop;
      if (stopping && control == nullptr) {
        stop.emplace([&] {
          if (!(told = stopping())) return;
          throw Interrupted{};
        });
      }
      plan.measurement->run(task, filled);
      end.clear();
    } catch (const Interrupted&) {
      end.clear();  // every rank of the group was told the same
      if (!told && (control == nullptr || !control->told_to_stop()))
        throw std::logic_error("the task was interrupted although nobody told it to stop");
      throw;
    } catch (const std::exception& error) {
      is_agreed(error) ? end.clear() : end.note(error.what());
      throw;
    }
  });
  note_task("");
  seconds = seconds_since(start);
  if (!results) return std::nullopt;
  std::move(*results).fill(record);
  return record;
}

/// Seconds until the run has to be over: what the user says, else the batch job's.
std::optional<double> time_limit(const RunOptions& options, MPI_Comm comm) {
  if (options.time_limit_seconds) return options.time_limit_seconds;
  double left = rank_of(comm) == 0 ? batch_seconds_left().value_or(-1.0) : -1.0;
  MPI_Bcast(&left, 1, MPI_DOUBLE, 0, comm);
  return left >= 0.0 ? std::optional(left) : std::nullopt;
}

/// A task that keeps nothing may yet end when the run is told to stop, and is given that long.
class Grace {
 public:
  bool is_over(bool told) {
    if (!told) return false;
    if (!since_) since_ = Clock::now();
    return seconds_since(*since_) >= longest;
  }

 private:
  static constexpr double longest = 3.0;
  std::optional<Clock::time_point> since_;
};

/// The tasks of a run on one rank.
class RankWork {
 public:
  RankWork(const Plan& plan, const Work& work, const RunOptions& options, const std::string& archive, MPI_Comm comm)
      : plan_(plan),
        work_(work),
        options_(options),
        archive_(archive),
        rank_(rank_of(comm)),
        clock_(time_limit(options, comm), options.checkpoint_seconds),
        scheduler_(comm, work.phases(), schedule()),
        rules_{.archive = archive,
               .measure_version = plan.study.measure_version,
               .interval = options.checkpoint_seconds,
               .stopping = [this](double write) { return clock_.stopping(write) || scheduler_.stopped(); },
               .kept = [this] { shard_->announce(); }} {
    together(comm, [&] {
      shard_.emplace(shard_folder(archive), rank_, plan.study, plan.layout,
                     std::chrono::duration<double>(options.checkpoint_seconds));
      if (rank_ == 0 && work.count() > 0) shard_->announce();  // `meander status` knows of the run from now on
    });
  }

  /// True where every task was handed out.
  bool run() {
    const ProgressDisplay display(rank_ == 0 ? progress_style(options_.quiet) : ProgressStyle::none, work_.count(),
                                  work_.seconds(), [this] { return scheduler_.progress(); });
    return scheduler_.run(
        [this](std::size_t phase, std::size_t index, MPI_Comm group) { execute(work_.task(phase, index), group); });
  }

  double busy_seconds() const { return busy_; }
  /// Of those whose group this rank leads.
  std::size_t interrupted() const { return interrupted_; }

  /// What went wrong with the last write of results; empty where nothing did.
  std::string close() {
    try {
      shard_->close();
    } catch (const std::exception& error) {
      return fmt::format("rank {}: {}", rank_, error.what());
    }
    return "";
  }

 private:
  ScheduleOptions schedule() {
    ScheduleOptions options;
    options.may_start = [this](std::size_t phase, std::size_t index) {
      const Cost cost = work_.task(phase, index).cost;
      return clock_.may_start(cost.seconds, cost.keeps);
    };
    return options;
  }

  void execute(const TaskRef& ref, MPI_Comm group) {
    std::optional<RankControl> control;
    double seconds = 0.0;
    std::optional<Record> record = run_in_group(ref, group, control, seconds);
    busy_ += seconds;
    if (record && !(control && control->resumed())) clock_.learn(ref.cost.seconds, seconds);
    if (rank_of(group) == 0) {
      if (record) {
        record->seconds = seconds + (control ? control->earlier_seconds() : 0.0);
        const bool over = control && record->status != Status::failed;  // what failed may be gone on with
        std::string state = over ? state_file(archive_, record->key) : "";
        shard_->add(std::move(*record), std::move(state));
      } else {
        ++interrupted_;
      }
    }
    tell_troubles();
  }

  /// The ranks of a group meet at the task's end.
  std::optional<Record> run_in_group(const TaskRef& ref, MPI_Comm group, std::optional<RankControl>& control,
                                     double& seconds) {
    GroupEnd end(group);
    end.note("before it began");
    std::exception_ptr met;
    std::optional<Record> record;
    try {
      if (ref.cost.keeps) control.emplace(rules_, plan_.key(ref), group);
      // A group's ranks must stop together, and keep their state.
      std::function<bool()> stopping;
      if (size_of(group) == 1)
        stopping = [this, grace = Grace()]() mutable { return grace.is_over(clock_.stopping(0.0)); };
      record = run_task(plan_, ref, group, control ? &*control : nullptr, stopping, seconds, end);
    } catch (...) {
      met = std::current_exception();
    }
    end.wait();
    if (met) std::rethrow_exception(met);
    return record;
  }

  void tell_troubles() {
    const std::string problem = shard_->problem();
    if (problem == told_) return;
    told_ = problem;
    if (told_.empty()) return;
    print_error("{}: warning: rank {} cannot keep its results yet ({}); it tries again every {} s\n", archive_, rank_,
                told_, options_.checkpoint_seconds);
  }

  const Plan& plan_;
  const Work& work_;
  const RunOptions& options_;
  const std::string archive_;
  const int rank_;
  StopClock clock_;
  Scheduler scheduler_;
  std::optional<ShardWriter> shard_;
  const KeepingRules rules_;
  double busy_ = 0.0;
  std::size_t interrupted_ = 0;
  std::string told_;  // of the shard's troubles
};

}  // namespace

Plan::Plan(BoundStudy bound)
    : study(std::move(bound.study)), measurement(std::move(bound.measurement)), layout(measurement->layout()) {
  for (const Family& family : layout.families) cells.emplace_back(study, family);
  for (std::size_t f = 0; f < cells.size(); ++f) keys.emplace_back(study, layout.families[f], cells[f]);
}

TaskKey Plan::key(const TaskRef& task) const {
  return keys[task.family](task.cell);
}

Outcome compute(const Plan& plan, const Work& work, const RunOptions& options, const std::string& archive,
                MPI_Comm comm) {
  Outcome outcome;
  const Clock::time_point start = Clock::now();
  RankWork rank(plan, work, options, archive, comm);
  together(comm, [&] {
    outcome.complete = rank.run();  // ends on all ranks, whatever one of them met
    outcome.work_seconds = seconds_since(start);
    outcome.busy_seconds = rank.busy_seconds();
    outcome.write_problem = rank.close();
  });
  std::uint64_t interrupted = rank.interrupted();
  MPI_Allreduce(MPI_IN_PLACE, &interrupted, 1, MPI_UINT64_T, MPI_SUM, comm);
  outcome.interrupted = interrupted;
  if (interrupted > 0) outcome.complete = false;
  return outcome;
}

}  // namespace meander
