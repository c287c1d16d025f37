#include "pipeline/schedule/run.hpp"

#include <array>
#include <chrono>
#include <cstdint>

#include "pipeline/schedule/patience.hpp"
#include "pipeline/schedule/phases.hpp"

namespace meander {
namespace {

// How often a node asks whether another one stopped the run. Two and a half thousand nodes make ten
// thousand requests a second of it, which a served counter answers with time to spare.
constexpr std::chrono::milliseconds stop_interval(250);

}  // namespace

Run::Run(MPI_Comm world, std::span<const Phase> phases, const ScheduleOptions& options)
    : phases_(phases), options_(options), crew_(world, phases, options.pretend_nodes) {
  std::vector<std::optional<TaskRange>> in_hand;
  for (std::size_t phase = 0; phase < phases.size(); ++phase) {
    const Workforce& workforce = crew_.groups[phase].workforce;
    const Costs& seconds = phases[phase].seconds;
    chunks_.emplace_back(seconds, workforce);
    in_hand.emplace_back();
    if (workforce.nodes <= 1) in_hand.back() = TaskRange{0, static_cast<std::uint32_t>(seconds.size())};
  }
  node_.emplace(crew_.node, in_hand);
  if (crew_.nodes > 1) {
    global_ = make_global_counter(crew_.world, crew_.node_index, crew_.nodes, phases.size(), options.counter);
  }
}

/// After a failure this rank does nothing but tell its groups, phase by phase, that it is gone. No memory is taken
/// here: it may be what is lacking.
template <class Action>
void Run::attempt(const Action& action) {
  if (failure_) return;
  try {
    action();
  } catch (...) {
    failure_ = std::current_exception();
    stop();
  }
}

void Run::work(const Execute& execute) {
  for (const std::size_t phase : widest_first(phases_)) {
    if (crew_.groups[phase].member()) work_on(phase, execute);
  }
}

void Run::work_on(std::size_t phase, const Execute& execute) {
  const Group& group = crew_.groups[phase];
  for (;;) {
    std::optional<std::size_t> task;
    if (group.leader) attempt([&] { task = next_task(phase); });
    if (group.size > 1) task = agree(group, task);
    if (failure_ || !task) return;
    attempt([&] { execute(phase, *task, group.comm); });
    if (group.leader && !failure_) node_->count(phases_[phase].seconds[*task]);
  }
}

/// The leader's task for all of its group, unless one of them failed.
std::optional<std::size_t> Run::agree(const Group& group, std::optional<std::size_t> task) const {
  std::array<std::int64_t, 2> shared = {task ? static_cast<std::int64_t>(*task) : -1, failure_ ? 1 : 0};
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, shared.data(), 2, MPI_INT64_T, MPI_MAX, group.comm, &request);
  wait_patiently(request);
  if (shared[0] < 0 || shared[1] != 0) return std::nullopt;
  return static_cast<std::size_t>(shared[0]);
}

std::optional<std::size_t> Run::next_task(std::size_t phase) {
  const std::optional<std::size_t> task = take(phase);
  if (task && options_.may_start && !options_.may_start(phase, *task)) {
    stop();
    return std::nullopt;
  }
  return task;
}

std::optional<std::size_t> Run::take(std::size_t phase) {
  const Group& group = crew_.groups[phase];
  Patience patience(std::chrono::microseconds(200));
  while (!stopped()) {
    const bool no_more = node_->exhausted(phase);  // read before the range: what it holds then is the last
    if (const auto taken = node_->take(phase)) {
      const std::size_t task = taken->task;
      if (!no_more && !node_->has_spare(phase) &&
          runs_low(taken->left, phases_[phase].seconds[task], group.leaders_on_node, group.workforce)) {
        refill(phase);
      }
      return task;
    }
    if (no_more) return std::nullopt;
    if (!refill(phase)) patience.pause();
  }
  return std::nullopt;
}

bool Run::refill(std::size_t phase) {
  return node_->refill(phase, [&] { return fetch(phase); });
}

TaskRange Run::fetch(std::size_t phase) {
  const Group& group = crew_.groups[phase];
  const int count = chunks_at_a_time(group.leaders_on_node, group.workforce);
  const std::optional<std::int64_t> first = global_->next(phase, count, node_->progress());
  if (!first) {
    node_->stop();
    return {};
  }
  return chunks_[phase].range(static_cast<std::size_t>(*first), static_cast<std::size_t>(count));
}

bool Run::stopped() {
  if (node_->stopped()) return true;
  if (global_ && node_->is_due(stop_interval) && global_->stopped(node_->progress())) node_->stop();
  return node_->stopped();
}

void Run::stop() {
  node_->stop();
  if (global_) global_->stop();
}

ScheduleProgress Run::progress() const {
  ScheduleProgress sum = node_->progress();
  if (global_) {
    const ScheduleProgress others = global_->others();
    sum.tasks_done += others.tasks_done;
    sum.seconds_done += others.seconds_done;
  }
  return sum;
}

Outcome Run::finish() {
  const ScheduleProgress mine = node_->own();
  std::array<double, 3> sums = {static_cast<double>(mine.tasks_done), mine.seconds_done, node_->stopped() ? 1.0 : 0.0};
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, sums.data(), 3, MPI_DOUBLE, MPI_SUM, crew_.world, &request);
  wait_patiently(request);
  return {.complete = sums[2] == 0.0, .done = {static_cast<std::size_t>(sums[0]), sums[1]}};
}

void Run::free() {
  if (global_) global_->close();
  node_->close();
  crew_.disband();
}

}  // namespace meander
