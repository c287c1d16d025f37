// The tasks of one run, in the order in which they are handed out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "pipeline/measure/tasks.hpp"
#include "pipeline/ranks/words.hpp"
#include "pipeline/schedule/scheduler.hpp"

namespace meander {

/// The part of a study's tasks that one element of a job array does.
struct Share {
  int part = 1;  // of 1 .. parts
  int parts = 1;
};

/// Tasks that are still to do: phases for the scheduler, and which cell stands where in them. Held as runs of cells
/// that lie `stride` apart, so that a run that begins from nothing takes no more memory than its study has costs.
class Work {
 public:
  explicit Work(std::uint32_t stride = 1) : stride_(stride) {}

  /// Appends `count` tasks of a family, the first of them `cell`; within a phase, most expensive first.
  void append(std::uint32_t family, std::size_t cell, std::size_t count, const Cost& cost);

  /// In the order in which they were first appended to: the scheduler goes through them widest groups first.
  const std::vector<Phase>& phases() const { return phases_; }
  TaskRef task(std::size_t phase, std::size_t index) const;
  std::size_t count() const;
  double seconds() const;  // expected cost of all

  /// Calls `visit` with the first of each run of equal tasks and how many it has.
  void each_run(const std::function<void(const TaskRef&, std::size_t)>& visit) const;

  /// Every `parts`-th of each phase: the largest part, where that many jobs share them.
  Work dealt(int parts) const;

  /// For another rank of the same run, and back.
  std::vector<Word> packed() const;
  static Work unpacked(const std::vector<Word>& words);

 private:
  struct Kind {
    std::uint32_t family = 0;
    Cost cost;
  };
  struct Run {
    std::uint32_t kind = 0;
    std::uint32_t cell = 0;  // of its first task
    std::uint32_t end = 0;   // one past its last task in the phase
  };

  std::size_t phase_of(const Cost& cost);
  std::uint32_t kind_of(std::uint32_t family, const Cost& cost);

  std::uint32_t stride_;
  std::vector<Phase> phases_;
  std::vector<std::vector<Run>> runs_;  // per phase
  std::vector<Kind> kinds_;
};

/// Indices of the list's runs by descending cost; equal costs stay in order.
std::vector<std::size_t> largest_first(const TaskList& tasks);

/// This share of the tasks, or those of it that are `wanted`, largest first. They are dealt like cards, so that all
/// parts cost the same; by the whole study, so that a resumed part keeps its share.
Work choose_work(const TaskList& tasks, const Share& share = {},
                 const std::function<bool(std::size_t family, std::size_t cell)>& wanted = {});

/// How many jobs, one after another, computing of `makespan` seconds takes where each computes for `usable` seconds.
/// With `cut`, tasks that keep their state are cut by the jobs' ends, and each job stops an interval of checkpoints
/// before its end (StopClock). 0 where two intervals do not fit into a job, so that the run would count with shorter
/// ones than was asked for; never more than 10^9.
int jobs_in_a_row(double makespan, double usable, bool cut, double interval);

}  // namespace meander
