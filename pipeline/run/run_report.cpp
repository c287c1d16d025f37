#include "pipeline/run/run_report.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "pipeline/ranks/collective.hpp"

namespace meander {

double RunReport::compute() const {
  if (busy.empty()) return 0.0;
  return std::accumulate(busy.begin(), busy.end(), 0.0) / static_cast<double>(busy.size());
}

double RunReport::efficiency() const {
  return wall > 0.0 ? compute() / wall : 1.0;
}

std::string RunReport::json() const {
  nlohmann::ordered_json json;
  json["ranks"] = ranks;
  json["tasks"] = tasks;
  json["wall_seconds"] = wall;
  json["prepare_seconds"] = prepare;
  json["work_seconds"] = work;
  json["write_seconds"] = write;
  json["busy_seconds"] = busy;
  return json.dump(2) + "\n";
}

RunReport RunReport::parse(const std::string& text) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    RunReport report;
    report.ranks = json.at("ranks").get<int>();
    report.tasks = json.at("tasks").get<std::size_t>();
    report.wall = json.at("wall_seconds").get<double>();
    report.prepare = json.at("prepare_seconds").get<double>();
    report.work = json.at("work_seconds").get<double>();
    report.write = json.at("write_seconds").get<double>();
    report.busy = json.at("busy_seconds").get<std::vector<double>>();
    return report;
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(std::string("not a report of a run (") + error.what() + ")");
  }
}

void write_report(const RunReport& report, const std::string& path) {
  std::ofstream file(path, std::ios::trunc);
  file << report.json();
  file.close();
  if (!file) throw std::runtime_error(path + ": the report cannot be written (is there room, and a folder?)");
}

RunReport read_report(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": there is no report");
  return RunReport::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::vector<double> gather_seconds(MPI_Comm comm, double seconds) {
  std::vector<double> all(rank_of(comm) == 0 ? static_cast<std::size_t>(size_of(comm)) : 0);
  MPI_Gather(&seconds, 1, MPI_DOUBLE, all.data(), 1, MPI_DOUBLE, 0, comm);
  return all;
}

}  // namespace meander
