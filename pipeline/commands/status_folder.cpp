// `meander status` on a folder: each archive in it, finished or begun, on a line.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "pipeline/archive/shards/archive_lock.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/commands/commands.hpp"
#include "pipeline/commands/json_output.hpp"
#include "pipeline/commands/status_lines.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

namespace fs = std::filesystem;

struct Entry {
  std::string name;
  std::string state;  // done, running, waiting, stopped, failed, unreadable
  std::optional<Summary> summary;
  std::size_t cells = 0;
  std::size_t done = 0;
  std::size_t failed = 0;
  std::size_t not_converged = 0;
  std::size_t out_of_range = 0;
  std::optional<std::string> run;  // who writes it now
  std::vector<BegunTask> begun;
  std::vector<BatchJob> jobs;
  std::string problem;  // why it cannot be read

  std::size_t missing() const {
    const std::size_t there = done + failed + not_converged + out_of_range;
    return cells > there ? cells - there : 0;
  }
  /// A run has it and has kept nothing yet.
  bool starting() const { return run && !summary && problem.empty(); }
};

/// Archives by what lies there: the file itself, the shards or the job of one that is not there yet. A pipe or a device
/// of that name is among them, and is never opened.
std::set<std::string> archives_in(const std::string& folder) {
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    std::error_code ignored;
    const bool is_folder = entry.is_directory(ignored);
    for (const std::string_view suffix : {".shards", ".job"}) {
      if (is_folder && name.ends_with(suffix)) names.insert(name.substr(0, name.size() - suffix.size()));
    }
    if (!is_folder && name.ends_with(".h5")) names.insert(name);
  }
  return names;
}

/// True where something of that name stands in the folder, be it a link that leads nowhere.
bool stands(const std::string& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

/// Cells of the archive, or of an array's parts that are not merged yet.
void count(const std::string& path, Entry& entry) {
  std::vector<std::string> sources{path};
  if (!stands(path)) {
    for (const BatchJob& job : entry.jobs) {
      if (job.role.starts_with("part-")) sources.push_back(job_folder(path) + "/" + job.role + ".h5");
    }
  }
  for (const std::string& source : sources) {
    if (!stands(source) && shard_files(source).empty()) continue;
    Summary summary = summarise(source);
    entry.cells = std::max(entry.cells, summary.cells());
    entry.done += summary.count(Status::done);
    entry.failed += summary.count(Status::failed);
    entry.not_converged += summary.count(Status::not_converged);
    entry.out_of_range += summary.count(Status::out_of_range);
    entry.begun.insert(entry.begun.end(), summary.begun.begin(), summary.begun.end());
    if (!entry.summary) entry.summary = std::move(summary);
  }
}

std::string state_of(const Entry& entry) {
  const auto any = [&](const auto& test) { return std::any_of(entry.jobs.begin(), entry.jobs.end(), test); };
  if (entry.run || any([](const BatchJob& job) { return job.state == "RUNNING"; })) return "running";
  if (any([](const BatchJob& job) { return job.in_queue(); })) return "waiting";
  if (!entry.problem.empty()) return "unreadable";
  const bool gave_up = any([](const BatchJob& job) {
    return job.last.starts_with("gave up") || job.last.starts_with("failed") || job.last.starts_with("refused");
  });
  if (entry.failed > 0 || (gave_up && (entry.missing() > 0 || entry.cells == 0))) return "failed";
  return entry.cells > 0 && entry.missing() == 0 ? "done" : "stopped";
}

Entry look_at(const std::string& folder, const std::string& name) {
  const std::string path = (fs::path(folder) / name).string();
  Entry entry;
  entry.name = name;
  entry.jobs = batch_jobs(path);
  entry.run = lock_holder(path);
  try {
    count(path, entry);
  } catch (const BadInput& error) {
    entry.problem = error.what();
  }
  entry.state = state_of(entry);
  return entry;
}

nlohmann::ordered_json as_json(const Entry& entry) {
  nlohmann::ordered_json json{{"archive", entry.name},
                              {"state", entry.state},
                              {"cells", entry.cells},
                              {"done", entry.done},
                              {"failed", entry.failed},
                              {"not_converged", entry.not_converged},
                              {"out_of_range", entry.out_of_range},
                              {"missing", entry.missing()},
                              {"running", entry.run.has_value()}};
  if (entry.run) json["run"] = *entry.run;
  json["begun"] = nlohmann::ordered_json::array();
  for (const BegunTask& task : entry.begun) {
    json["begun"].push_back({{"fraction", task.fraction}, {"resumed", task.resumed}, {"seconds", task.seconds}});
  }
  json["jobs"] = nlohmann::ordered_json::array();
  for (const BatchJob& job : entry.jobs) {
    json["jobs"].push_back(
        {{"id", job.id}, {"role", job.role}, {"state", job.state}, {"reason", job.reason}, {"last", job.last}});
  }
  json["failures"] = nlohmann::ordered_json::array();
  if (entry.summary) {
    for (const FailedPoint& point : entry.summary->failed_points) {
      json["failures"].push_back(
          {{"family", point.family}, {"point", point.point}, {"message", point.message}, {"cells", point.cells}});
    }
  }
  if (!entry.problem.empty()) json["problem"] = entry.problem;
  return json;
}

void print(const Entry& entry, std::size_t width) {
  print_output("{:<{}}  {:<10}", one_line(entry.name), width, entry.state);
  if (entry.cells > 0) print_output("  {} of {} cells done", entry.done, entry.cells);
  if (entry.starting()) print_output("  starting, nothing is kept yet ({})", *entry.run);
  for (const auto& [cells, what] : {std::pair{entry.failed, "failed"},
                                    {entry.not_converged, "not_converged"},
                                    {entry.out_of_range, "out_of_range"}}) {
    if (cells > 0) print_output(", {} {}", cells, what);
  }
  print_output("\n{}{}", begun_line(entry.begun, "    "), job_lines(entry.jobs, "    "));
  if (entry.summary) print_output("{}", failure_lines(*entry.summary, "    "));
  if (!entry.problem.empty()) print_output("    {}\n", entry.problem);
}

}  // namespace

int begun_status_command(const std::string& archive, bool json) {
  const fs::path path(archive);
  const Entry entry = look_at(path.parent_path().string(), path.filename().string());
  if (json) {
    print_json(as_json(entry));
  } else {
    print(entry, 0);
  }
  return exit_done;
}

int folder_status_command(const std::string& folder, bool json) {
  std::vector<Entry> entries;
  std::size_t width = 0;
  for (const std::string& name : archives_in(folder)) {
    Entry entry = look_at(folder, name);
    // Networks and other people's HDF5 files lie beside archives.
    if (entry.problem.find("not an archive of meander") != std::string::npos && entry.jobs.empty()) continue;
    width = std::max(width, one_line(name).size());
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) throw BadInput(folder + ": error: there is no archive in this folder");
  auto all = nlohmann::ordered_json::array();
  for (const Entry& entry : entries) {
    if (json) {
      all.push_back(as_json(entry));
    } else {
      print(entry, width);
    }
  }
  if (json) print_json(all);
  return exit_done;
}

}  // namespace meander
