// A small study of an invented measure with every kind of array, and records whose numbers follow
// from the cell alone.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/shards/shard_writer.hpp"
#include "pipeline/measure/layout.hpp"
#include "pipeline/measure/record.hpp"
#include "pipeline/measure/tasks.hpp"
#include "pipeline/study/study.hpp"

namespace meander::archive_testing {

/// A folder of the test's own, removed with everything in it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "meander-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline Study small_study(std::vector<Value> widths = {4, 8, 16}, std::vector<Value> sigmas = {0.5, 1.5},
                         std::int64_t realizations = 3) {
  Study study;
  study.title = "A title with an umlaut: ä";
  study.measure = "invented";
  study.seed = 7;
  study.realizations = realizations;
  study.sweep = {{"width", std::move(widths)}, {"sigma_w", std::move(sigmas)}, {"activation", {"relu", "hard_tanh"}}};
  Table section;
  section.set("samples", 100);
  study.settings.set("curve", section);
  return study;
}

inline Layout small_layout(std::size_t depth = 3) {
  Layout layout;
  OwnDimension layer{"layer", depth, "1", "layer", {}, false};
  for (std::size_t l = 1; l <= depth; ++l) layer.coordinates.emplace_back(static_cast<std::int64_t>(l));
  layout.dimensions = {layer, {"side", 2, "1", "side", {"left", "right"}, false}, {"event", 0, "1", "event", {}, true}};
  Family main{"invented", {}, true, {}};
  main.arrays = {
      {"length", "1", "length of the curve", ArrayType::float64, {"layer"}, false, ""},
      {"transitions", "1", "switches", ArrayType::int64, {"layer"}, false, ""},
      {"input_length", "1", "length of the input", ArrayType::float64, {}, false, ""},
      {"exact", "1", "1 where exact", ArrayType::int8, {}, false, ""},
      {"split", "1", "by layer and side", ArrayType::float64, {"layer", "side"}, false, ""},
      {"position", "rad", "where", ArrayType::float64, {"event"}, false, ""},
      {"neuron", "1", "which", ArrayType::int64, {"event"}, false, ""},
      {"memory", "B", "peak", ArrayType::float64, {}, true, ""},
  };
  Family theory{"theory", std::vector<std::string>{"sigma_w"}, false, {}};
  theory.arrays = {{"q_star", "1", "fixed point", ArrayType::float64, {}, false, ""}};
  layout.families = {main, theory};
  return layout;
}

/// Numbers that depend on the cell's parameters, not on its index.
inline double number_of(const Study& study, const Family& family, std::size_t cell) {
  const CellSpace cells(study, family);
  const std::vector<std::size_t> at = cells.point_indices(cell);
  double value = 0.001 * static_cast<double>(study.seed);
  if (!family.over) value += 10.0 * study.sweep[0].values[at[0]].number() + (at[2] == 0 ? 0.0 : 0.25);
  value += study.sweep[1].values[at[1]].number();
  return value + 1000.0 * static_cast<double>(family.per_realization ? cells.realization(cell) : 0);
}

/// A record of the first family whose numbers follow from `x`.
inline Record example_record(const Layout& layout, std::size_t cell, double x) {
  Results results(layout.families[0]);
  // A shallower network leaves its last layer out, and the number of events varies.
  const std::size_t depth = layout.dimension("layer").size - (static_cast<int>(x) % 2 == 0 ? 1 : 0);
  std::vector<double> lengths;
  std::vector<std::int64_t> counts;
  std::vector<double> split;
  for (std::size_t l = 0; l < depth; ++l) {
    lengths.push_back(x * static_cast<double>(l + 1));
    counts.push_back(static_cast<std::int64_t>(x) + static_cast<std::int64_t>(l));
    split.insert(split.end(), {x + static_cast<double>(l), -x - static_cast<double>(l)});
  }
  results.set("length", lengths);
  results.set("transitions", counts);
  results.set("input_length", x / 3.0);
  results.set("exact", std::int64_t{1});
  results.set("split", split, {depth, 2});
  const std::size_t events = static_cast<std::size_t>(x) % 4;
  std::vector<double> positions;
  std::vector<std::int64_t> neurons;
  for (std::size_t e = 0; e < events; ++e) {
    positions.push_back(x / static_cast<double>(e + 1));
    neurons.push_back(static_cast<std::int64_t>(e));
  }
  results.set("position", positions);
  results.set("neuron", neurons);
  results.set("memory", 1e6 + x);
  Record record;
  std::move(results).fill(record);
  record.cell = cell;
  record.seconds = 0.5 + x;
  return record;
}

inline Record failed_record_of(const Layout& layout, std::size_t cell, const std::string& why) {
  Results results(layout.families[0]);
  results.status(Status::failed, why);
  Record record;
  std::move(results).fill(record);
  record.cell = cell;
  record.seconds = 0.25;
  return record;
}

inline Record record_of(const Study& study, const Layout& layout, std::size_t family, std::size_t cell) {
  const double x = number_of(study, layout.families[family], cell);
  Record record;
  if (family == 0) {
    record = example_record(layout, cell, x);
  } else {
    Results results(layout.families[family]);
    results.set("q_star", x);
    std::move(results).fill(record);
    record.family = family;
    record.cell = cell;
    record.seconds = 0.5 + x;
  }
  record.key = task_key(study, layout.families[family], CellSpace(study, layout.families[family]), cell);
  return record;
}

inline std::vector<Record> all_records(const Study& study, const Layout& layout) {
  std::vector<Record> records;
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    const std::size_t size = CellSpace(study, layout.families[f]).size();
    for (std::size_t cell = 0; cell < size; ++cell) records.push_back(record_of(study, layout, f, cell));
  }
  return records;
}

/// The records under the identities of their tasks.
inline std::vector<Record> with_keys(const Study& study, const Layout& layout, std::vector<Record> records) {
  for (Record& record : records) {
    const Family& family = layout.families[record.family];
    record.key = task_key(study, family, CellSpace(study, family), record.cell);
  }
  return records;
}

/// Writes records, under the identities of their tasks, as a shard and gives its path.
inline std::string write_shard(const std::string& archive, int rank, const Study& study, const Layout& layout,
                               const std::vector<Record>& records) {
  const std::vector<std::string> before = shard_files(archive);
  ShardWriter writer(shard_folder(archive), rank, study, layout, std::chrono::hours(1));
  for (Record& record : with_keys(study, layout, records)) writer.add(std::move(record));
  writer.close();
  for (const std::string& file : shard_files(archive)) {
    if (std::find(before.begin(), before.end(), file) == before.end()) return file;
  }
  return "";
}

inline const Attributes& some_attributes() {
  static const Attributes attributes = {
      {"history", std::string("made by a test")}, {"ranks", std::int64_t{1}}, {"share", 0.5}};
  return attributes;
}

inline std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void overwrite(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace meander::archive_testing
