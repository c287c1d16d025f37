// What results take in memory on their way into an archive.
#pragma once

#include "pipeline/measure/layout.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

/// Bytes of one rank, at their peaks.
struct WriteMemory {
  double results = 0.0;  // finished tasks that are not on disk yet, while others are computed
  double writing = 0.0;  // units of cells, when the archive is written
};

/// Of a run of `cells` tasks. Ragged arrays are as long as is known only when a task is done: together they are taken
/// to be a part of `task_bytes`, the largest task.
WriteMemory write_memory(const Study& study, const Layout& layout, double cells, double task_bytes);

}  // namespace meander
