#include <fmt/format.h>

#include <algorithm>

#include "pipeline/archive/read/archive_summary.hpp"
#include "pipeline/commands/commands.hpp"

namespace meander {
namespace {

std::string text_of(const Attributes& attributes, const std::string& name) {
  for (const auto& [key, value] : attributes) {
    if (key != name) continue;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
  }
  return "";
}

}  // namespace

int show_command(const std::string& archive, const ShowFile& show_other) {
  if (show_other && show_other(archive)) return exit_done;
  const Summary summary = summarise(archive);
  fmt::print("{}\n", archive);
  if (!summary.study.title.empty()) fmt::print("  title     {}\n", summary.study.title);
  fmt::print("  measure   {}, seed {}\n", summary.study.measure, summary.study.seed);
  for (const FamilySummary& family : summary.families) {
    fmt::print("  {:<9} {} of {} cells done\n", family.name, family.count(Status::done), family.cells);
  }
  if (summary.has_archive) {
    fmt::print("  made      {} by meander {} on {} rank(s)\n", text_of(summary.attributes, "ended"),
               text_of(summary.attributes, "program_version"), text_of(summary.attributes, "ranks"));
  } else {
    fmt::print("  made      not yet: these are the shards of a run that goes on, or was killed\n");
  }
  fmt::print("\ndimensions\n");
  for (const DimensionSummary& dimension : summary.dimensions) {
    fmt::print("  {:<22} {:>7}  {}\n", dimension.name, dimension.size, dimension.text());
  }
  fmt::print("\narrays\n");
  for (const ArraySummary& array : summary.arrays) {
    // Every array runs over the sweep: what tells them apart is what comes behind it.
    std::string own;
    for (const std::string& dimension : array.dimensions) {
      if (summary.study.dimension(dimension) == nullptr) own += (own.empty() ? "" : ", ") + dimension;
    }
    fmt::print("  {:<26} ({})  {}\n", array.name, own, array.long_name);
  }
  for (const std::string& warning : summary.warnings) fmt::print(stderr, "{}\n", warning);
  return exit_done;
}

}  // namespace meander
