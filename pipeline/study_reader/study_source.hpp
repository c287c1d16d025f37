// Where a study comes from: the study file, what --set changes in it, and the files that it names.
#pragma once

#include <string>
#include <vector>

#include "pipeline/study/study.hpp"
#include "pipeline/study_reader/study_reader.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"
#include "pipeline/values/toml_text.hpp"

namespace meander {

/// The study file at `path` with `overrides` put in. Throws BadInput where either cannot be read.
TomlNode read_source(const std::string& path, const std::vector<Override>& overrides, Diagnostics& diagnostics);

/// Reads the files that the settings of `study` name into study.files. A path is relative to the
/// study file at `path`, one given by --set to the working directory. Errors go to `diagnostics`.
void read_files(const std::string& path, const std::vector<Key>& keys, Study& study, Diagnostics& diagnostics);

}  // namespace meander
