#include "pipeline/run/rank_control.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "pipeline/ranks/collective.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

constexpr double most_of_the_time = 1.0 / 20.0;  // that may go into writing

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

RankControl::RankControl(const KeepingRules& rules, const TaskKey& key, MPI_Comm group)
    : rules_(rules), group_(group), alone_(size_of(group) == 1), first_(rank_of(group) == 0) {
  on_root(group, [&] {
    std::string warning;
    state_ = read_state(rules.archive, key, rules.measure_version, warning);
    if (!warning.empty()) print_error("{}\n", warning);
    if (!state_.bytes.empty()) ++state_.head.resumed;
    state_.head.key = key;
    state_.head.measure_version = static_cast<std::uint32_t>(rules.measure_version);
  });
  if (!alone_) {
    broadcast(group, state_.bytes);
    MPI_Bcast(&state_.head.seconds, 1, MPI_DOUBLE, 0, group);
  }
  resumed_ = !state_.bytes.empty();
}

bool RankControl::agreed(bool answer) const {
  if (alone_) return answer;
  int shared = answer ? 1 : 0;
  MPI_Bcast(&shared, 1, MPI_INT, 0, group_);
  return shared != 0;
}

bool RankControl::stopping() {
  told_ = agreed(first_ && (told_ || rules_.stopping(write_seconds_)));
  return told_;
}

bool RankControl::due() {
  return agreed(first_ && seconds_since(last_) >= std::max(rules_.interval, write_seconds_ / most_of_the_time));
}

void RankControl::keep(std::span<const std::byte> state, double fraction) {
  std::vector<std::byte>().swap(state_.bytes);
  if (!first_) return;
  const Clock::time_point begin = Clock::now();
  TaskStateHead head = state_.head;
  head.fraction = std::clamp(fraction, 0.0, 1.0);
  head.seconds += seconds_since(start_);
  try {
    write_state(rules_.archive, head, state);
    warned_ = false;
    rules_.kept();
  } catch (const std::exception& error) {
    if (!warned_) {
      print_error("{}: warning: the state of a task cannot be kept ({}) free some space; it is tried again\n",
                  rules_.archive, error.what());
    }
    warned_ = true;
  }
  last_ = begin;
  write_seconds_ = seconds_since(begin);
}

}  // namespace meander
