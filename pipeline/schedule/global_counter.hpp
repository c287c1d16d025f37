// The number of the next chunk of each phase, shared by all nodes, and the word that ends the run.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "pipeline/schedule/scheduler.hpp"

namespace meander {

/// Reports ride on the requests: how far the asking node was when it asked.
class GlobalCounter {
 public:
  virtual ~GlobalCounter() = default;
  /// Takes `count` chunks: the number of the first, or nothing where the run was stopped. Numbers go
  /// on for ever: the caller knows how many chunks there are.
  virtual std::optional<std::int64_t> next(std::size_t phase, int count, const ScheduleProgress& report) = 0;
  virtual bool stopped(const ScheduleProgress& report) = 0;
  virtual void stop() = 0;
  /// On rank 0, the sum of the other nodes' latest reports; elsewhere nothing. Any thread may ask.
  virtual ScheduleProgress others() const = 0;
  /// Collective, after the last request of every rank.
  virtual void close() = 0;
};

/// Collective over `world`; `node` counts this rank's node from 0, and rank 0 is on node 0.
std::unique_ptr<GlobalCounter> make_global_counter(MPI_Comm world, int node, int nodes, std::size_t phases,
                                                   CounterKind kind);

/// A thread on rank 0 answers messages; needs MPI_THREAD_MULTIPLE there.
std::unique_ptr<GlobalCounter> make_served_counter(MPI_Comm world, int node, int nodes, std::size_t phases);

/// Atomic operations on rank 0's memory. Throws std::runtime_error where MPI refuses the window.
std::unique_ptr<GlobalCounter> make_window_counter(MPI_Comm world, int node, int nodes, std::size_t phases);

}  // namespace meander
