// Whoever is killed from outside cannot say so: a process beside it does.
#pragma once

#include <string>

namespace meander {

/// Starts a shell that waits for the end of this process and then says `line` on the error stream: after SIGKILL, or
/// when a launcher ended this process because another rank died. It is in a session of its own, and reads no terminal.
/// Once in a process; further calls change nothing. Where it cannot be started there will be no line.
void leave_last_words(const std::string& line);

/// Not needed any more: this process has said itself why it ends. An ordinary exit does that, too. May be called by a
/// signal's handler.
void take_back_last_words();

}  // namespace meander
