#include "slurm/job_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "pipeline/batch/slurm_program.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "slurm/duration.hpp"

namespace meander {

/// slurm/job.sh.in: the build embeds it.
extern const std::string_view job_template;

namespace {

/// `text` with its markers, @name@, replaced by their values, in which no marker is looked for. A value of whole lines,
/// or none, takes the place of its marker's line.
std::string filled(std::string_view text, const std::map<std::string, std::string, std::less<>>& values) {
  std::string result;
  while (!text.empty()) {
    const std::size_t at = std::min(text.find('@'), text.size());
    result += text.substr(0, at);
    text.remove_prefix(at);
    if (text.empty()) break;
    const std::size_t end = text.find('@', 1);
    const auto value = end == std::string_view::npos ? values.end() : values.find(text.substr(1, end - 1));
    if (value == values.end()) {
      result += '@';
      text.remove_prefix(1);
      continue;
    }
    result += value->second;
    text.remove_prefix(end + 1);
    const bool lines = value->second.empty() || value->second.back() == '\n';
    if (lines && text.starts_with('\n')) text.remove_prefix(1);
  }
  return result;
}

std::string launcher_words(const Site& site) {
  if (site.launcher == "srun") return "srun --ntasks=\"$count\" --kill-on-bad-exit=1";
  // mpirun turns the INT and TERM that its terminal or session gets into a kill: it has its own.
  if (site.launcher == "mpirun") return "setsid mpirun -q --bind-to none -n \"$count\"";
  std::string words = site.launcher;
  constexpr std::string_view place = "{ranks}";
  for (std::size_t at = words.find(place); at != std::string::npos; at = words.find(place, at)) {
    words.replace(at, place.size(), "\"$count\"");
  }
  return words;
}

std::string sbatch_lines(const JobTexts& texts, const Site& site, const JobPlan& plan) {
  std::string lines;
  const auto add = [&](const std::string& option) { lines += "#SBATCH " + option + "\n"; };
  add("--job-name=" + job_name(texts.study));
  if (!site.partition.empty()) add("--partition=" + site.partition);
  if (!site.account.empty()) add("--account=" + site.account);
  if (!site.qos.empty()) add("--qos=" + site.qos);
  add(fmt::format("--nodes={}", plan.nodes));
  add(fmt::format("--ntasks={}", plan.ranks));
  add(fmt::format("--ntasks-per-node={}", plan.ranks_per_node));
  if (plan.memory_per_node > 0.0) add(fmt::format("--mem={:.0f}M", std::floor(plan.memory_per_node / 1048576.0)));
  add("--time=" + slurm_time(plan.seconds));
  add(fmt::format("--signal=B:USR1@{}", site.signal_lead));
  add(site.requeue ? "--requeue" : "--no-requeue");
  add("--open-mode=append");
  add(slurm_can_log_into(texts.folder) ? "--output=log.txt" : "--output=/dev/null");
  for (const std::string& option : site.sbatch) add(option);
  return lines;
}

std::string argument_words(const JobTexts& texts) {
  std::string words = fmt::format("--checkpoint {:g}", texts.checkpoint_seconds);
  for (const std::string& change : texts.set) words += " --set " + shell_word(change);
  return words;
}

std::string module_lines(const Site& site) {
  std::string lines;
  for (const std::string& module : site.modules) lines += "module load " + shell_word(module) + "\n";
  return lines;
}

std::string setup_lines(const Site& site) {
  std::string lines;
  for (const auto& [name, value] : site.environment) lines += "export " + name + "=" + shell_word(value) + "\n";
  for (const std::string& line : site.setup) lines += line + "\n";
  return lines;
}

}  // namespace

std::string shell_word(const std::string& text) {
  if (text.find('\0') != std::string::npos)
    throw BadInput("error: a text with a zero byte cannot be given to a program");
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += R"('\'')";
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string job_name(const std::string& study) {
  std::string name = std::filesystem::path(study).stem().string();
  for (char& c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (!plain) c = '_';
  }
  return "meander-" + name;
}

bool slurm_can_log_into(const std::string& folder) {
  return folder.find_first_of("%\\") == std::string::npos;
}

std::vector<std::string> overruling_variables(const Site& site) {
  std::vector<std::string> names = sbatch_variables();
  if (!site.partition.empty()) names.emplace_back("SBATCH_PARTITION");
  if (!site.account.empty()) names.emplace_back("SBATCH_ACCOUNT");
  if (!site.qos.empty()) names.emplace_back("SBATCH_QOS");
  return names;
}

std::string job_script(const JobTexts& texts, const Site& site, const JobPlan& plan) {
  return filled(job_template,
                {{"sbatch", sbatch_lines(texts, site, plan)},
                 {"program", site.program.empty() ? shell_word(texts.program) : site.program},
                 {"study", shell_word(texts.study)},
                 {"archive", shell_word(texts.archive)},
                 {"folder", shell_word(texts.folder)},
                 {"arguments", argument_words(texts)},
                 {"ranks", std::to_string(plan.ranks)},
                 {"parts", std::to_string(plan.parts)},
                 {"max_tries", std::to_string(site.max_tries)},
                 {"requeue", site.requeue ? "yes" : "no"},
                 {"reserve", std::to_string((site.signal_lead + 1) / 2)},
                 {"patience", std::to_string(std::max(1, site.signal_lead - std::max(2, site.signal_lead / 6)))},
                 {"directory", shell_word(texts.directory)},
                 {"digest", shell_word(texts.digest)},
                 {"unset", fmt::format("{}", fmt::join(overruling_variables(site), " "))},
                 {"log", slurm_can_log_into(texts.folder) ? "" : "exec >> \"$folder/log.txt\" 2>&1\n"},
                 {"modules", module_lines(site)},
                 {"setup", setup_lines(site)},
                 {"launcher", launcher_words(site)}});
}

}  // namespace meander
