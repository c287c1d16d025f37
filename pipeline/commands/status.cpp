#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/archive/read/archive_summary.hpp"
#include "pipeline/archive/shards/archive_lock.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/commands/commands.hpp"
#include "pipeline/commands/json_output.hpp"
#include "pipeline/commands/status_lines.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

constexpr std::pair<Status, const char*> states[] = {{Status::done, "done"},
                                                     {Status::failed, "failed"},
                                                     {Status::not_converged, "not_converged"},
                                                     {Status::out_of_range, "out_of_range"},
                                                     {Status::missing, "missing"}};

void print_summary_json(const Summary& summary, const std::optional<std::string>& run,
                        const std::vector<BatchJob>& jobs) {
  nlohmann::ordered_json json{{"title", summary.study.title}, {"measure", summary.study.measure}};
  json["running"] = run.has_value();
  if (run) json["run"] = *run;
  json["cells"] = summary.cells();
  for (const auto& [status, name] : states) json[name] = summary.count(status);
  json["families"] = nlohmann::ordered_json::array();
  for (const FamilySummary& family : summary.families) {
    nlohmann::ordered_json counts{{"name", family.name}, {"cells", family.cells}};
    for (const auto& [status, name] : states) counts[name] = family.count(status);
    json["families"].push_back(counts);
  }
  json["messages"] = nlohmann::ordered_json::array();
  for (const auto& [message, cells] : summary.messages) {
    json["messages"].push_back({{"message", message}, {"cells", cells}});
  }
  for (const FailedPoint& point : summary.failed_points) {
    json["failures"].push_back(
        {{"family", point.family}, {"point", point.point}, {"message", point.message}, {"cells", point.cells}});
  }
  double begun = 0.0;
  json["begun"] = nlohmann::ordered_json::array();
  for (const BegunTask& task : summary.begun) {
    json["begun"].push_back({{"fraction", task.fraction}, {"resumed", task.resumed}, {"seconds", task.seconds}});
    begun += task.fraction;
  }
  json["begun_fraction"] = begun;  // of all of them, in tasks: a job's script sees by it that a try got on
  for (const BatchJob& job : jobs) {
    json["jobs"].push_back(
        {{"id", job.id}, {"role", job.role}, {"state", job.state}, {"reason", job.reason}, {"last", job.last}});
  }
  json["shards"] = summary.shards;
  print_json(json);
}

}  // namespace

int status_command(const std::string& archive, bool json) {
  std::error_code ignored;
  if (std::filesystem::is_directory(std::filesystem::status(archive, ignored)))
    return folder_status_command(archive, json);
  const std::optional<std::string> run = lock_holder(archive);
  const std::vector<BatchJob> jobs = batch_jobs(archive);
  const bool begun = run || !jobs.empty();
  if (begun && !std::filesystem::exists(archive, ignored) && shard_files(archive).empty()) {
    return begun_status_command(archive, json);
  }
  const Summary summary = summarise(archive);
  if (json) {
    print_summary_json(summary, run, jobs);
    return exit_done;
  }
  print_output("{}{}\n", one_line(summary.study.title.empty() ? archive : summary.study.title),
               run ? "\n  running        " + *run : "");
  for (const FamilySummary& family : summary.families) {
    print_output("  {:<14}", family.name);
    for (const auto& [status, name] : states) {
      if (family.count(status) > 0) print_output(" {} {} ", family.count(status), name);
    }
    print_output(" of {} cells\n", family.cells);
  }
  print_output("{}{}{}", begun_line(summary.begun, "  "), job_lines(jobs, "  "), failure_lines(summary, "  "));
  for (const std::string& warning : summary.warnings) print_error("{}\n", warning);
  return exit_done;
}

}  // namespace meander
