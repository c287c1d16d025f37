// Options that every command on a study file shares.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "pipeline/study.hpp"

namespace meander {

struct StudyOptions {
  std::string study;
  std::vector<std::string> set;

  /// The --set texts as overrides; throws BadInput where one has no '='.
  std::vector<Override> overrides() const;
};

void add_study_options(CLI::App& command, StudyOptions& options);

}  // namespace meander
