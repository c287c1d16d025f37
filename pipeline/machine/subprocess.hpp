// Runs another program and keeps what it says; no shell in between.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace meander {

struct ProgramResult {
  int code = 0;  // exit code, or 128 + the signal that ended it
  std::string out;
  std::string err;
};

/// Runs `arguments` (the first one looked up in PATH) in `folder`, or here where that is empty, with an
/// empty standard input and this process's environment, or another one (NAME=VALUE each), and waits for it. Nothing
/// where there is no such program. Throws std::runtime_error where it cannot be started for another reason.
std::optional<ProgramResult> run_program(const std::vector<std::string>& arguments, const std::string& folder = "",
                                         const std::vector<std::string>* environment = nullptr);

}  // namespace meander
