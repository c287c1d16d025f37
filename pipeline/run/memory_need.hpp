// What a run takes of memory besides its tasks: the program, results on their way to the disk, the writing of the
// archive, and what it knows of the whole study.
#pragma once

#include "pipeline/measure/layout.hpp"
#include "pipeline/run/work.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

/// Bytes of one rank. The parts but `task` were fitted to peaks of resident memory (docs/performance.md).
struct MemoryNeed {
  double program = 0.0;  // code, libraries and their buffers
  double study = 0.0;    // coordinates of all dimensions; on rank 0 the cells' statuses and the list of tasks
  double task = 0.0;     // the largest task
  double results = 0.0;  // finished tasks that are not on disk yet
  double writing = 0.0;  // units of the archive's cells, after the tasks

  /// At its peak.
  double total() const;
  /// Besides the task.
  double other() const { return total() - task; }
};

/// Of rank 0, which needs most. `tasks` may be an estimate.
MemoryNeed memory_need(const Study& study, const Layout& layout, const Work& tasks);

}  // namespace meander
