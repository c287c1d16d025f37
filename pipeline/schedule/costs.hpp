// The expected costs of the tasks of a phase, as runs of equal ones: a sweep has few costs and many tasks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace meander {

class Costs {
 public:
  struct Run {
    double seconds = 0.0;   // of each of its tasks
    std::uint64_t end = 0;  // one past its last task; it begins where the run before it ends
  };

  Costs() = default;
  /// One after another.
  Costs(std::span<const double> seconds);  // NOLINT(google-explicit-constructor): a list of costs is one
  Costs(const std::vector<double>& seconds) : Costs(std::span(seconds)) {}  // NOLINT(google-explicit-constructor)
  Costs(std::initializer_list<double> seconds) : Costs(std::span(seconds.begin(), seconds.size())) {}

  /// `count` more tasks that cost `seconds` each.
  void append(double seconds, std::size_t count = 1);

  std::size_t size() const { return runs_.empty() ? 0 : runs_.back().end; }
  bool empty() const { return runs_.empty(); }
  /// Takes O(log runs).
  double operator[](std::size_t task) const;
  std::span<const Run> runs() const { return runs_; }
  /// Sum over all tasks, seconds.
  double total() const;

 private:
  std::vector<Run> runs_;
};

/// The same tasks in the same order, equal ones joined to pieces that count as one task, about `most` in all. Pieces
/// take about equally long, and the last half of `most` are single tasks, which level out what the pieces leave uneven.
/// Gives the longest piece in `coarsest`, seconds; 0 where nothing had to be joined.
Costs coarsened(const Costs& costs, std::size_t most, double& coarsest);

}  // namespace meander
