// What this machine has.
#pragma once

namespace meander {

/// Bytes of memory.
double machine_memory();

}  // namespace meander
