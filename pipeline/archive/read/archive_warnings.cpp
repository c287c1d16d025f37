#include "pipeline/archive/read/archive_warnings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/read/archive_reader.hpp"

namespace meander {

std::vector<std::string> archive_warnings(const std::string& path) {
  const ArchiveReader reader(path);
  std::vector<std::string> lines;
  const std::vector<Family>& families = reader.header().layout.families;
  for (std::size_t f = 0; f < families.size(); ++f) {
    const std::vector<ArraySpec>& arrays = families[f].arrays;
    if (std::all_of(arrays.begin(), arrays.end(), [](const ArraySpec& array) { return array.warning.empty(); }))
      continue;
    std::vector<std::size_t> cells(arrays.size(), 0);
    std::size_t done = 0;
    const CellUnits units =
        family_units(reader.header().study, reader.header().layout, f);  // a chunk is in one of them
    for (std::size_t u = 0; u < units.count(); ++u) {
      const CellRange range = units[u];
      const std::vector<Status> statuses = reader.statuses(f, range.begin, range.end);
      done += static_cast<std::size_t>(std::count(statuses.begin(), statuses.end(), Status::done));
      for (std::size_t a = 0; a < arrays.size(); ++a) {
        if (arrays[a].warning.empty()) continue;
        const std::vector<bool> marks = reader.positive(f, a, range.begin, range.end);
        for (std::size_t i = 0; i < marks.size(); ++i) cells[a] += marks[i] && statuses[i] == Status::done ? 1 : 0;
      }
    }
    for (std::size_t a = 0; a < arrays.size(); ++a) {
      if (cells[a] == 0) continue;
      lines.push_back(
          fmt::format("warning: in {} of {} cells {} (array '{}')", cells[a], done, arrays[a].warning, arrays[a].name));
    }
  }
  return lines;
}

}  // namespace meander
