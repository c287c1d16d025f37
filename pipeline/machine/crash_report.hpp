// One line on the error stream when this process crashes: which task it was at, and how to go on.
#pragma once

#include <string_view>

namespace meander {

/// From here on a crash (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) of this process prints a line that
/// names `rank` and the task at hand, and then ends the process by that signal. To be called behind
/// MPI_Init, whose own report would be a page per rank. Of deaths that nobody can report, SIGKILL and what follows from
/// it on other ranks, a process beside rank 0 says that they happened, and how to go on.
void report_crashes(int rank);

/// The task that this process is at, in words (cut off after a few hundred bytes); nothing between
/// tasks. Costs a copy.
void note_task(std::string_view task);

}  // namespace meander
