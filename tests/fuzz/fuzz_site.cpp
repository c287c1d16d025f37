// The site-file reader on arbitrary text: a site whose job script holds what the file says and no line more,
// or BadInput.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pipeline/values/diagnostics.hpp"
#include "slurm/duration.hpp"
#include "slurm/job_script.hpp"
#include "slurm/site.hpp"

namespace {

using namespace meander;

void require(bool condition) {
  if (!condition) std::abort();
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string script_of(const Site& site) {
  JobTexts texts;
  texts.program = "/bin/meander";
  texts.study = "/study.toml";
  texts.archive = "/out.h5";
  texts.folder = "/out.h5.job";
  JobPlan plan;
  plan.memory_per_node = site.memory_per_node;
  plan.seconds = std::min(site.max_time, 3600.0);
  return job_script(texts, site, plan);
}

// Lines of the script that a site adds to those of a site that says nothing.
std::size_t expected_lines(const Site& site) {
  std::size_t lines = site.modules.size() + site.setup.size() + site.sbatch.size();
  for (const auto& [name, value] : site.environment) lines += 1 + lines_in(value);
  const bool said[] = {!site.partition.empty(), !site.account.empty(), !site.qos.empty(), site.memory_per_node > 0.0};
  for (const bool is_said : said) lines += is_said ? 1 : 0;
  return lines;
}

// An empty text in a site was written as one: nothing else has turned into it.
bool empty_only_if_said(const Site& site, const std::string& text) {
  if (text.find("\"\"") != std::string::npos || text.find("''") != std::string::npos) return true;
  const auto is_empty = [](const std::string& word) { return word.empty(); };
  return std::none_of(site.setup.begin(), site.setup.end(), is_empty) &&
         std::none_of(site.environment.begin(), site.environment.end(),
                      [&](const auto& variable) { return is_empty(variable.second); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::size_t fewest = lines_in(script_of(Site{}));
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const Site site = parse_site(text, "site.toml");
    require(site.cores_per_node >= 1 && site.max_nodes >= 1 && site.signal_lead >= 1 && site.max_tries >= 1);
    require(std::isfinite(site.memory_per_node) && site.memory_per_node >= 0.0);
    require(site.max_time > site.signal_lead);
    if (std::isfinite(site.max_time)) require(parse_slurm_time(slurm_time(site.max_time)) == site.max_time);
    require(empty_only_if_said(site, text));
    const std::string script = script_of(site);
    require(lines_in(script) == fewest + expected_lines(site));
    require(script.find('\0') == std::string::npos);
  } catch (const BadInput&) {
  }
  return 0;
}
