#include "pipeline/commands/commands.hpp"
#include "pipeline/study_reader/study_reader.hpp"

namespace meander {

std::vector<Override> StudyArguments::overrides() const {
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

BoundStudy StudyArguments::read(const Catalogue& catalogue) const {
  return read_study(study, overrides(), catalogue);
}

}  // namespace meander
