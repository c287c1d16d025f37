// What a long task and the run that it belongs to tell each other: whether to stop, and what is to survive a stop.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace meander {

/// A measure whose tasks may be longer than a job says so (Cost::keeps) and asks `stopping` and `due` between its
/// steps, at least every few seconds. Where several ranks share a task, `stopping` and `due` are collective: every rank
/// gets the first one's answer, so all of them ask the same questions in the same order. What the first rank keeps is
/// kept, the others' calls of `keep` do nothing: a state that is spread over the ranks is gathered first, by the
/// measure.
class TaskControl {
 public:
  virtual ~TaskControl() = default;
  /// True once the run is to end. The task keeps its state then and throws Interrupted.
  virtual bool stopping() = 0;
  /// True where a checkpoint interval has passed since the last state was kept, or since the task began, and writing
  /// more often would cost more than a twentieth of the time.
  virtual bool due() = 0;
  /// Keeps `state` in place of what was kept before: on disk when the call returns, whole or not at all. `fraction` of
  /// the task is done (0 to 1; for display). Where it cannot be written the run says so and the older state stays.
  virtual void keep(std::span<const std::byte> state, double fraction) = 0;
  /// The state with which the task is to go on, on every rank that shares it; empty where it starts anew. It is gone
  /// after the first call of `keep`, because it may be large.
  virtual const std::vector<std::byte>& kept() const = 0;
};

/// For tasks outside of a run: never stopping, never due, nothing is kept.
class NoControl final : public TaskControl {
 public:
  bool stopping() override { return false; }
  bool due() override { return false; }
  void keep(std::span<const std::byte>, double) override {}
  const std::vector<std::byte>& kept() const override { return nothing_; }

 private:
  std::vector<std::byte> nothing_;
};

/// The one that tasks have which are given none.
inline TaskControl& no_control() {
  static NoControl control;
  return control;
}

/// Thrown by a task that was told to stop, after it has kept its state: its cell stays missing and the next run goes on
/// with it. Not an error, and no std::exception, so that handlers of errors let it pass.
struct Interrupted {};

}  // namespace meander
