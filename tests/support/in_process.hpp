// Runs a study in this process: a study file's text goes in, every task's arrays come out.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/measure/measure.hpp"
#include "pipeline/measure/record.hpp"
#include "pipeline/measure/tasks.hpp"
#include "pipeline/study_reader/study_reader.hpp"
#include "studies/measures/catalogue.hpp"

namespace meander::testing_support {

/// A folder that goes when the test does.
class Folder {
 public:
  Folder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() / fmt::format("meander_studies_{}_{}", ::getpid(), ++count);
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  /// IDX images of 2 x 3 pixels with different content, and labels 0 1 2 0 1 2 ...
  void write_digits(int count) const {
    const auto word = [](int value) {
      return std::string{'\0', '\0', static_cast<char>(value >> 8), static_cast<char>(value)};
    };
    std::string images = word(0x803) + word(count) + word(2) + word(3);
    std::string labels = word(0x801) + word(count);
    for (int i = 0; i < count; ++i) {
      for (int p = 0; p < 6; ++p) images += static_cast<char>((37 * i + 11 * p * p + 5) % 251);
      labels += static_cast<char>(i % 3);
    }
    write("digits", images);
    write("labels", labels);
  }

 private:
  std::filesystem::path path_;
};

/// A study with its tasks computed.
struct Ran {
  Study study;
  std::unique_ptr<Measurement> measurement;
  Layout layout;
  std::vector<std::vector<Record>> records;  // family, cell

  Task task(std::size_t family, std::size_t cell, const RankGroup* group = nullptr) const {
    const CellSpace cells(study, layout.families[family]);
    const Point point(study, cells.point_indices(cell));
    return {study, point, family, cells.realization(cell), study.seed, study.independent ? point_salt(point) : 0,
            group};
  }
  /// Family and position of an array; fails loudly where there is none.
  std::pair<std::size_t, std::size_t> find(const std::string& array) const {
    for (std::size_t f = 0; f < layout.families.size(); ++f) {
      for (std::size_t a = 0; a < layout.families[f].arrays.size(); ++a) {
        if (layout.families[f].arrays[a].name == array) return {f, a};
      }
    }
    throw std::runtime_error("no array " + array);
  }
  bool has(const std::string& array) const {
    for (const Family& family : layout.families) {
      for (const ArraySpec& spec : family.arrays) {
        if (spec.name == array) return true;
      }
    }
    return false;
  }
  /// The values of a cell as doubles; empty where missing.
  std::vector<double> values(const std::string& array, std::size_t cell = 0) const {
    const auto [f, a] = find(array);
    return std::visit([](const auto& data) { return std::vector<double>(data.begin(), data.end()); },
                      records[f].at(cell).arrays[a]);
  }
};

/// With a `group` every rank of it calls this, and the first one's results count.
inline Ran run(const std::string& study_file, const std::vector<Override>& overrides = {},
               const RankGroup* group = nullptr) {
  static const Catalogue catalogue = all_measures();
  Ran ran;
  BoundStudy bound = read_study(study_file, overrides, catalogue);
  ran.study = std::move(bound.study);
  ran.measurement = std::move(bound.measurement);
  ran.layout = ran.measurement->layout();
  for (std::size_t f = 0; f < ran.layout.families.size(); ++f) {
    const CellSpace cells(ran.study, ran.layout.families[f]);
    auto& records = ran.records.emplace_back(cells.size());
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
      Results results(ran.layout.families[f]);
      ran.measurement->run(ran.task(f, cell, f == 0 ? group : nullptr), results);
      // As in a run, where that is a failed cell. In a group the first rank's results count.
      const std::string flaw = group == nullptr ? results.undefined() : "";
      if (!flaw.empty()) throw std::runtime_error(flaw);
      results.leave_out_infinite();
      std::move(results).fill(records[cell]);
    }
  }
  return ran;
}

/// What a study is refused with; empty where `work` accepts it.
template <class Work>
std::string refusal_of(const Work& work) {
  try {
    work();
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

}  // namespace meander::testing_support
