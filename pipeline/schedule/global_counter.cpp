#include "pipeline/schedule/global_counter.hpp"

namespace meander {

// MPI does not tell whether a window's atomics are done by hardware. Where they are not, they wait
// until rank 0 next calls MPI, which in the middle of a kernel may be minutes away; the thread
// always answers, and its few hundred microseconds vanish beside a chunk's work. So the thread is
// the rule, and the window is for programs without MPI_THREAD_MULTIPLE and for those who know their
// fabric and ask for it.
std::unique_ptr<GlobalCounter> make_global_counter(MPI_Comm world, int node, int nodes, std::size_t phases,
                                                   CounterKind kind) {
  if (kind == CounterKind::automatic) {
    int provided = MPI_THREAD_SINGLE;
    MPI_Query_thread(&provided);
    MPI_Bcast(&provided, 1, MPI_INT, 0, world);  // ranks may differ, and the thread is rank 0's
    kind = provided == MPI_THREAD_MULTIPLE ? CounterKind::served : CounterKind::window;
  }
  return kind == CounterKind::served ? make_served_counter(world, node, nodes, phases)
                                     : make_window_counter(world, node, nodes, phases);
}

}  // namespace meander
