#include "pipeline/batch/slurm_program.hpp"

#include <array>
#include <regex>
#include <sstream>
#include <string_view>

extern char** environ;

namespace meander {
namespace {

constexpr std::array<std::string_view, 4> dropped{"SQUEUE_", "SINFO_", "SCONTROL_", "SLURM_TIME_FORMAT="};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.pop_back();
    if (!line.empty()) lines.push_back(line.substr(line.find_first_not_of(' ')));
  }
  return lines;
}

}  // namespace

std::optional<ProgramResult> run_slurm(const std::vector<std::string>& arguments, const std::string& folder,
                                       const std::vector<std::string>& without) {
  std::vector<std::string> environment{"LC_ALL=C"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    bool keep = !variable.starts_with("LC_ALL=");
    for (const std::string_view begin : dropped) keep = keep && !variable.starts_with(begin);
    for (const std::string& name : without) keep = keep && !variable.starts_with(name + "=");
    if (keep) environment.emplace_back(variable);
  }
  return run_program(arguments, folder, &environment);
}

std::vector<std::string> sbatch_variables() {
  return {"SBATCH_ARRAY_INX",  "SBATCH_DEBUG",        "SBATCH_JOB_NAME", "SBATCH_MEM_PER_CPU", "SBATCH_MEM_PER_GPU",
          "SBATCH_NO_REQUEUE", "SBATCH_MEM_PER_NODE", "SBATCH_OUTPUT",   "SBATCH_OPEN_MODE",   "SBATCH_REQUEUE",
          "SBATCH_SIGNAL",     "SBATCH_TIMELIMIT",    "SBATCH_WAIT"};
}

std::string job_number(const std::string& printed) {
  static const std::regex form(R"((\d{1,18})(;[^;\s]*)*)");
  std::string number;
  for (const std::string& line : lines_of(printed)) {
    if (std::smatch match; line.size() < 200 && std::regex_match(line, match, form)) number = match[1].str();
  }
  return number;
}

std::optional<double> slurm_seconds(const std::string& printed) {
  static const std::regex form(R"((?:(?:(\d{1,5})-)?(\d{1,2}):)?(\d{1,2}):(\d{1,2}))");
  const std::vector<std::string> lines = lines_of(printed);
  if (lines.empty() || lines.back().size() > 40) return std::nullopt;
  if (lines.back() == "INVALID" || lines.back().front() == '-') return 0.0;
  std::smatch match;
  if (!std::regex_match(lines.back(), match, form)) return std::nullopt;
  const auto number = [&](std::size_t i) { return match[i].matched ? std::stod(match[i].str()) : 0.0; };
  return number(1) * 86400.0 + number(2) * 3600.0 + number(3) * 60.0 + number(4);
}

}  // namespace meander
