#include "pipeline/archive/read/archive_summary.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>

#include "pipeline/archive/cells/block.hpp"
#include "pipeline/archive/cells/cell_map.hpp"
#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/read/archive_reader.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/shards/task_state.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

constexpr std::size_t few_coordinates = 8;

// A larger archive is not compared with its seal just to be listed.
constexpr std::size_t quickly_read = std::size_t{1} << 30;

struct Cell {
  Status status = Status::missing;
  std::string message;
};

/// What one source says of its cells, in its own study.
struct Source {
  Header header;
  std::vector<std::vector<Cell>> families;
};

Source source_of_archive(const std::string& path) {
  std::string warning = require_readable(path, quickly_read);
  const ArchiveReader archive(path);
  Source source{archive.header(), {}};
  source.header.warning = std::move(warning);
  for (std::size_t f = 0; f < source.header.layout.families.size(); ++f) {
    const std::vector<Status> statuses = archive.statuses(f);
    const std::vector<std::int64_t> codes = archive.error_codes(f);
    std::vector<Cell>& cells = source.families.emplace_back(statuses.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i].status = statuses[i];
      const auto code = static_cast<std::size_t>(codes[i]);
      if (code > 0 && code < archive.messages().size()) cells[i].message = archive.messages()[code];
    }
  }
  return source;
}

Source source_of_shard(const std::string& path) {
  Shard shard = read_shard(path, ShardPart::statuses);
  Source source{std::move(shard.header), {}};
  for (const Family& family : source.header.layout.families) {
    source.families.emplace_back(CellSpace(source.header.study, family).size());
  }
  for (Record& record : shard.records) {
    source.families[record.family][record.cell] = {record.status, std::move(record.message)};
  }
  return source;
}

// A run renews its shards, and removes them at its end, while we look.
std::vector<Source> sources_of(const std::string& path, Summary& summary) {
  std::vector<Source> sources;
  const std::vector<std::string> shards = shard_files(path);
  if (std::filesystem::exists(path) || shards.empty()) {
    sources.push_back(source_of_archive(path));
    summary.has_archive = true;
  }
  for (const std::string& shard : shards) {
    try {
      sources.push_back(source_of_shard(shard));
      ++summary.shards;
    } catch (const BadInput& error) {
      if (std::filesystem::exists(shard)) summary.warnings.emplace_back(error.what());
    }
  }
  if (sources.empty() && std::filesystem::exists(path)) {  // finished in between
    sources.push_back(source_of_archive(path));
    summary.has_archive = true;
  }
  if (sources.empty()) throw BadInput(path + ": error: there is no archive, and none of its shards can be read");
  return sources;
}

/// The parameters of a cell that differ in the study.
std::string point_text(const Study& study, const std::vector<std::size_t>& indices) {
  std::string text;
  for (std::size_t d = 0; d < study.sweep.size() && d < indices.size(); ++d) {
    const SweepDimension& dimension = study.sweep[d];
    if (dimension.values.size() < 2) continue;
    text += (text.empty() ? "" : ", ") + dimension.name + " = " + dimension.values[indices[d]].toml();
  }
  return text.empty() ? "every point" : text;
}

void note_failure(Summary& summary, std::size_t family, const CellSpace& space, std::size_t index, const Cell& cell) {
  const std::string& name = summary.layout.families[family].name;
  const std::string text = point_text(summary.study, space.point_indices(index));
  std::vector<FailedPoint>& points = summary.failed_points;
  const bool same = !points.empty() && points.back().family == name && points.back().point == text &&
                    points.back().message == cell.message;
  if (same) {
    ++points.back().cells;
  } else if (points.size() < most_failed_points) {
    points.push_back({name, text, cell.message, 1});
  }
}

void count_cells(const std::vector<Source>& sources, Summary& summary) {
  std::vector<std::vector<Cell>> all;
  for (const Family& family : summary.layout.families) {
    all.emplace_back(CellSpace(summary.study, family).size());
  }
  for (const Source& source : sources) {
    const CellMap map(source.header.study, source.header.layout, summary.study, summary.layout);
    for (std::size_t f = 0; f < source.families.size(); ++f) {
      for (std::size_t i = 0; i < source.families[f].size(); ++i) {
        const Cell& cell = source.families[f][i];
        if (cell.status == Status::missing) continue;
        Cell& held = all[*map.family(f)][*map.cell(f, i)];
        if (merit(cell.status) > merit(held.status)) held = cell;
      }
    }
  }
  std::map<std::string, std::size_t> messages;
  for (std::size_t f = 0; f < all.size(); ++f) {
    FamilySummary family{summary.layout.families[f].name, all[f].size(), {}};
    const CellSpace space(summary.study, summary.layout.families[f]);
    for (std::size_t i = 0; i < all[f].size(); ++i) {
      const Cell& cell = all[f][i];
      if (!cell.message.empty()) note_failure(summary, f, space, i, cell);
      const auto status = static_cast<std::size_t>(cell.status);
      if (status < family.by_status.size()) ++family.by_status[status];
      if (!cell.message.empty()) ++messages[cell.message];
    }
    summary.families.push_back(std::move(family));
  }
  summary.messages.assign(messages.begin(), messages.end());
  std::stable_sort(summary.messages.begin(), summary.messages.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
}

void describe(Summary& summary) {
  for (const SweepDimension& dimension : summary.study.sweep) {
    summary.dimensions.push_back({dimension.name, dimension.values.size(), dimension.values});
  }
  summary.dimensions.push_back({"realization", static_cast<std::size_t>(summary.study.realizations), {}});
  for (const OwnDimension& own : summary.layout.dimensions) {
    summary.dimensions.push_back({own.name, own.size, own.coordinates});
  }
  const char* const types[] = {"float64", "int64", "int8"};
  for (std::size_t f = 0; f < summary.layout.families.size(); ++f) {
    for (const Field& field : family_fields(summary.study, summary.layout, f)) {
      if (field.kind != FieldKind::array) continue;
      summary.arrays.push_back({field.name, types[static_cast<std::size_t>(field.type)], field.dimensions, field.units,
                                field.long_name, field.run_dependent});
    }
  }
}

std::vector<BegunTask> begun_tasks(const std::string& archive) {
  std::vector<BegunTask> begun;
  for (const TaskStateHead& head : state_heads(archive)) begun.push_back({head.fraction, head.resumed, head.seconds});
  std::stable_sort(begun.begin(), begun.end(),
                   [](const BegunTask& a, const BegunTask& b) { return a.fraction > b.fraction; });
  return begun;
}

}  // namespace

std::string DimensionSummary::text() const {
  const auto joined = [&](std::size_t begin, std::size_t end) {
    std::string text;
    for (std::size_t i = begin; i < end; ++i) text += (text.empty() ? "" : ", ") + coordinates[i].label();
    return text;
  };
  if (coordinates.size() <= few_coordinates) return joined(0, coordinates.size());
  return joined(0, 3) + ", …, " + coordinates.back().label();
}

std::size_t Summary::count(Status status) const {
  return std::accumulate(families.begin(), families.end(), std::size_t{0},
                         [&](std::size_t sum, const FamilySummary& family) { return sum + family.count(status); });
}

std::size_t Summary::cells() const {
  return std::accumulate(families.begin(), families.end(), std::size_t{0},
                         [](std::size_t sum, const FamilySummary& family) { return sum + family.cells; });
}

Summary summarise(const std::string& path) {
  Summary summary;
  const std::vector<Source> sources = sources_of(path, summary);
  summary.study = sources.front().header.study;
  summary.layout = sources.front().header.layout;
  summary.attributes = sources.front().header.attributes;
  for (std::size_t i = 1; i < sources.size(); ++i) {
    summary.study = unite(summary.study, sources[i].header.study);
    summary.layout = unite(summary.layout, sources[i].header.layout);
  }
  for (const Source& source : sources) {
    if (!source.header.warning.empty()) summary.warnings.push_back(source.header.warning);
  }
  describe(summary);
  count_cells(sources, summary);
  summary.begun = begun_tasks(path);
  return summary;
}

}  // namespace meander
