#include "pipeline/schedule/scheduler.hpp"

#include <cstdlib>
#include <mutex>
#include <string_view>
#include <utility>

#include "pipeline/schedule/phases.hpp"
#include "pipeline/schedule/run.hpp"

namespace meander {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

/// Rank 0's environment decides, since launchers do not always pass it on to all.
void read_environment(ScheduleOptions& options, MPI_Comm world) {
  const std::string_view pretend = environment("MEANDER_PRETEND_NODES");
  if (!pretend.empty() && pretend != "0") options.pretend_nodes = true;
  const std::string_view counter = environment("MEANDER_GLOBAL_COUNTER");
  if (options.counter == CounterKind::automatic) {
    if (counter == "served") options.counter = CounterKind::served;
    if (counter == "window") options.counter = CounterKind::window;
  }
  int agreed[] = {options.pretend_nodes ? 1 : 0, static_cast<int>(options.counter)};
  MPI_Bcast(agreed, 2, MPI_INT, 0, world);
  options.pretend_nodes = agreed[0] != 0;
  options.counter = static_cast<CounterKind>(agreed[1]);
}

}  // namespace

struct Scheduler::Impl {
  MPI_Comm world;
  std::vector<Phase> phases;
  ScheduleOptions options;

  mutable std::mutex mutex;  // progress() may ask while a run ends
  Run* current = nullptr;
  ScheduleProgress last;

  void watch(Run* run, ScheduleProgress done) {
    const std::lock_guard lock(mutex);
    current = run;
    last = done;
  }
};

Scheduler::Scheduler(MPI_Comm world, std::vector<Phase> phases, ScheduleOptions options)
    : impl_(std::make_unique<Impl>()) {
  int ranks = 1;
  MPI_Comm_size(world, &ranks);
  for (const Phase& phase : phases) check_phase(phase, ranks);
  read_environment(options, world);
  impl_->world = world;
  impl_->phases = std::move(phases);
  impl_->options = std::move(options);
}

Scheduler::~Scheduler() = default;

bool Scheduler::run(const Execute& execute) {
  Run run(impl_->world, impl_->phases, impl_->options);
  impl_->watch(&run, {});
  run.work(execute);
  const Outcome outcome = run.finish();
  impl_->watch(nullptr, outcome.done);
  run.free();
  if (run.failure()) std::rethrow_exception(run.failure());
  return outcome.complete;
}

bool Scheduler::stopped() {
  return impl_->current != nullptr && impl_->current->stopped();  // set by this very thread
}

ScheduleProgress Scheduler::progress() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->current == nullptr ? impl_->last : impl_->current->progress();
}

}  // namespace meander
