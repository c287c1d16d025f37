// A study: what is measured, over which sweep, with which settings. Read from a TOML file and
// checked against the measure's keys, or rebuilt from an archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"
#include "pipeline/values/value.hpp"

namespace meander {

class Study;

/// Cells (points times realizations) that a study may have.
inline constexpr std::size_t most_cells = 2147483647;

using Bytes = std::vector<std::byte>;

/// A file that a study names: its content, shared by all who use it, and its SHA-256.
struct StudyFile {
  std::string path;                    // as written in the study
  std::string sha256;                  // lower-case hexadecimal
  std::shared_ptr<const Bytes> bytes;  // null where the study was rebuilt from an archive
};

/// One dimension of the sweep. For `point` every value is a Table of parameters.
struct SweepDimension {
  std::string name;
  std::vector<Value> values;
};

/// One cell of the sweep: looks a parameter up in the sweep, in `point`, then in the settings.
class Point {
 public:
  Point(const Study& study, std::vector<std::size_t> indices) : study_(&study), indices_(std::move(indices)) {}

  /// The parameter's value, or null where the study does not give it.
  const Value* find(std::string_view name) const;
  /// As `find`; throws std::logic_error where there is none (a bug: keys were checked).
  const Value& at(std::string_view name) const;
  double number(std::string_view name) const { return at(name).number(); }
  std::int64_t integer(std::string_view name) const;
  const std::vector<std::size_t>& indices() const { return indices_; }
  const Study& study() const { return *study_; }
  /// `name = value` for each dimension, canonical TOML, in the study's order: for messages.
  std::string text() const;

 private:
  const Study* study_;
  std::vector<std::size_t> indices_;  // one per sweep dimension
};

class Study {
 public:
  std::string title;
  std::string measure;
  int measure_version = 1;
  std::uint64_t seed = 0;
  std::int64_t realizations = 1;
  bool single_precision = false;
  bool independent = false;  // coupling
  std::vector<SweepDimension> sweep;
  /// section -> table of keys, defaults filled in. Section "sweep" holds the parameters that are no
  /// dimension because the study leaves them at their default.
  Table settings;
  /// Files that the study names, by key path ("input.images").
  std::map<std::string, StudyFile> files;

  /// Where the value of key `path` ("curve.samples", "sweep.width"; a parameter in `point` is
  /// "sweep.<name>" too) was written, for messages of later checks; else its section, else the file.
  Place place(std::string_view path) const;
  std::map<std::string, Place, std::less<>> places;
  /// Warnings that came up while the study was read, a line each.
  std::string warnings;

  /// The dimension of that name, or null.
  const SweepDimension* dimension(std::string_view name) const;
  /// A setting by key path ("curve.samples"), or null. Swept keys are found through a Point.
  const Value* setting(std::string_view path) const;
  const StudyFile* file(std::string_view path) const;

  /// The number of points of the sweep (product of its dimensions; 1 without a sweep).
  std::size_t points() const;
  /// The point of a row-major index in 0 .. points()-1.
  Point point(std::size_t index) const;

  /// Why the study has more cells than can be counted, or nothing.
  std::optional<std::string> too_many_cells() const;

  /// The study as run: canonical TOML with defaults filled in and sweeps as lists. Reads back as
  /// the same study. Parameters at their default, which are no dimensions, stand in [defaults].
  std::string text() const;
  /// What must agree for two archives to belong together: measure, its version, seed, precision,
  /// coupling, settings, the names of the sweep's keys, and the content of the input files. SHA-256
  /// in hexadecimal.
  std::string identity() const;
  /// The part of it that every task shares: all but the sweep's keys, as canonical text.
  std::string common_text() const;
};

/// The study of an archive, a shard or another rank from its `study` text and its files (digests, and
/// bytes where there are any); throws BadInput where the text is not a study. No file is read and no
/// measure is asked. Everything but `places` and `warnings` is as it was.
Study restore_study(const std::string& text, const std::map<std::string, StudyFile>& files);

/// The study whose sweep holds every value and realization of both; throws BadInput where their
/// identities differ. Values ascending (descending) in both stay so; otherwise `a`'s order, then
/// what only `b` has. `a` gives the title, and the names of values that both have.
Study unite(const Study& a, const Study& b);

}  // namespace meander
