// Reads a study file: TOML, --set, the files that it names, and everything that can be wrong with them.
#pragma once

#include <string>
#include <vector>

#include "pipeline/measure/measure.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

/// `--set key=value`: a dotted key path and TOML text of its value.
struct Override {
  std::string key;
  std::string value;
};

/// Reads, checks and completes the study file at `path`, reads the files it names, and binds its measure, which finds
/// impossible combinations. Throws BadInput with every mistake found.
BoundStudy read_study(const std::string& path, const std::vector<Override>& overrides, const Catalogue& catalogue);

}  // namespace meander
