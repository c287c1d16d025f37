#include <fmt/format.h>

#include <algorithm>

#include "pipeline/archive/read/archive_summary.hpp"
#include "pipeline/commands/commands.hpp"
#include "pipeline/values/printing.hpp"

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
  print_output("{}\n", one_line(archive));
  if (!summary.study.title.empty()) print_output("  title     {}\n", one_line(summary.study.title));
  print_output("  measure   {}, seed {}\n", summary.study.measure, summary.study.seed);
  for (const FamilySummary& family : summary.families) {
    print_output("  {:<9} {} of {} cells done\n", family.name, family.count(Status::done), family.cells);
  }
  if (summary.has_archive) {
    print_output("  made      {} by meander {} on {} rank(s)\n", text_of(summary.attributes, "ended"),
                 text_of(summary.attributes, "program_version"), text_of(summary.attributes, "ranks"));
  } else {
    print_output("  made      not yet: these are the shards of a run that goes on, or was killed\n");
  }
  print_output("\ndimensions\n");
  for (const DimensionSummary& dimension : summary.dimensions) {
    print_output("  {:<22} {:>7}  {}\n", one_line(dimension.name), dimension.size, one_line(dimension.text()));
  }
  print_output("\narrays\n");
  for (const ArraySummary& array : summary.arrays) {
    // Every array runs over the sweep: what tells them apart is what comes behind it.
    std::string own;
    for (const std::string& dimension : array.dimensions) {
      if (summary.study.dimension(dimension) == nullptr) own += (own.empty() ? "" : ", ") + dimension;
    }
    print_output("  {:<26} ({})  {}\n", one_line(array.name), one_line(own), one_line(array.long_name));
  }
  for (const std::string& warning : summary.warnings) print_error("{}\n", warning);
  return exit_done;
}

}  // namespace meander
