// A measure with a handful of keys of every type, for tests of the study file and of tasks.
#pragma once

#include <string>
#include <vector>

#include "pipeline/measure/measure.hpp"
#include "pipeline/study_reader/study_reader.hpp"

namespace meander::testing {

/// The catalogue of `fake` and of another measure, `other`, with its own section.
Catalogue fake_catalogue();

/// A folder of its own for each test, removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  /// Writes a file and gives its path.
  std::string write(const std::string& name, const std::string& text) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Reads `text` as the file study.toml of a fresh folder.
Study read_text(const std::string& text, const std::vector<Override>& overrides = {});

/// What is reported about `text`, the folder's name taken out: "3:1: error: ...\n...".
std::string errors_of(const std::string& text, const std::vector<Override>& overrides = {});

/// The calls of FakeMeasurement::cost so far.
int& cost_calls();

}  // namespace meander::testing
