#include "pipeline/commands/study_options.hpp"

namespace meander {

std::vector<Override> StudyOptions::overrides() const {
  std::vector<Override> result;
  for (const std::string& text : set) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw BadInput("--set " + text + ": error: no value (an override is key=value) write --set sweep.width=[64,128]");
    }
    result.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return result;
}

void add_study_options(CLI::App& command, StudyOptions& options) {
  command.add_option("study", options.study, "Study file")->required()->type_name("STUDY.toml");
  command.add_option("--set", options.set, "Overrides a key of the study file with a TOML value; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

}  // namespace meander
