#include "pipeline/commands/status_lines.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace meander {

std::string failure_lines(const Summary& summary, const std::string& indent) {
  constexpr std::size_t few = 3;
  std::string text;
  for (const auto& [message, cells] : summary.messages) {
    text += fmt::format("{}{} x  {}\n", indent, cells, message);
    std::size_t points = 0;
    for (const FailedPoint& point : summary.failed_points) {
      if (point.message != message || ++points > few) continue;
      text += fmt::format("{}       {} ({} cell{})\n", indent, point.point, point.cells, point.cells == 1 ? "" : "s");
    }
    if (points > few) text += fmt::format("{}       and {} more points\n", indent, points - few);
  }
  return text;
}

std::string begun_line(const std::vector<BegunTask>& begun, const std::string& indent) {
  constexpr std::size_t few = 8;
  if (begun.empty()) return "";
  std::string text = fmt::format("{}{:<14} {} task{}:", indent, "begun", begun.size(), begun.size() == 1 ? "" : "s");
  std::uint64_t resumed = 0;
  for (std::size_t i = 0; i < begun.size(); ++i) {
    if (i < few) text += fmt::format("{} {:.3g} %", i == 0 ? "" : ",", 100.0 * begun[i].fraction);
    resumed += begun[i].resumed;
  }
  if (begun.size() > few) text += ", …";
  if (resumed > 0) text += fmt::format("; resumed {} time{}", resumed, resumed == 1 ? "" : "s");
  return text + "\n";
}

std::string job_lines(const std::vector<BatchJob>& jobs, const std::string& indent) {
  constexpr std::size_t few = 4;
  std::string text;
  std::size_t shown = 0;
  for (const BatchJob& job : jobs) {
    const bool well = !job.in_queue() && (job.last.empty() || job.last == "finished");
    if (well || ++shown > few) continue;
    text += indent + job.text() + (job.in_queue() || job.last.empty() ? "" : ": " + job.last) + "\n";
  }
  if (shown > few) text += fmt::format("{}and {} more jobs\n", indent, shown - few);
  return text;
}

}  // namespace meander
