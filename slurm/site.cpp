#include "slurm/site.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/key_check.hpp"
#include "pipeline/values/toml_text.hpp"
#include "slurm/duration.hpp"

namespace meander {
namespace {

using Problem = std::optional<std::string>;

bool has_control(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
}

/// A word that stands on a #SBATCH line as it is.
Problem word(const Value& value) {
  constexpr const char* allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:@+=/%-";
  if (value.get_if<std::string>()->find_first_not_of(allowed) == std::string::npos) return std::nullopt;
  return "not a name of Slurm (letters, digits and _ . , : @ + = / % - are) write it as `sinfo` or `sacctmgr` shows it";
}

Problem duration(const Value& value) {
  const std::optional<double> seconds = parse_slurm_time(*value.get_if<std::string>());
  if (seconds && *seconds >= 60.0) return std::nullopt;
  return R"(not a time of at least a minute (HH:MM:SS or D-HH:MM:SS is) write for example "24:00:00")";
}

Problem one_line(const Value& value) {
  const std::string& text = *value.get_if<std::string>();
  if (text.empty() || has_control(text)) return "empty or of several lines (it is one line of shell words)";
  return std::nullopt;
}

Problem texts(const Value& value, const std::function<bool(const std::string&)>& good, const std::string& what) {
  const auto* list = value.get_if<List>();
  const auto problem = fmt::format("not a list of texts in quotes ({})", what);
  if (list == nullptr) return problem;
  for (const Value& element : *list) {
    if (!element.is_text()) return problem;
    const std::string& text = *element.get_if<std::string>();
    if (!good(text)) return fmt::format("{} cannot stand there ({})", element.toml(), what);
  }
  return std::nullopt;
}

bool is_line(const std::string& text) {
  return !has_control(text);
}

Problem options(const Value& value) {
  return texts(
      value, [](const std::string& text) { return text.starts_with("-") && is_line(text); },
      R"(each is one option of sbatch, for example "--constraint=zen4")");
}

Problem lines(const Value& value) {
  return texts(value, is_line, "each is one line of the script");
}

Problem modules(const Value& value) {
  return texts(
      value, [](const std::string& text) { return !text.empty() && is_line(text); },
      R"(each is one module, for example "openmpi/4.1")");
}

bool is_variable(const std::string& name) {
  constexpr const char* allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return !name.empty() && (name[0] < '0' || name[0] > '9') && name.find_first_not_of(allowed) == std::string::npos;
}

Problem environment(const Value& value) {
  const auto* table = value.get_if<Table>();
  if (table == nullptr) return R"(not a table (write for example { OMP_NUM_THREADS = "1" }))";
  for (const auto& [key, entry] : table->entries()) {
    if (!is_variable(key)) return fmt::format("'{}' is no name of a variable", key);
    if (!entry.is_text()) return fmt::format("'{}' is {} (values are texts in quotes)", key, entry.toml());
    if (entry.get_if<std::string>()->find('\0') != std::string::npos) return fmt::format("'{}' holds a zero byte", key);
  }
  return std::nullopt;
}

Key text_key(std::string name, std::string description, std::string fallback,
             std::function<Problem(const Value&)> check) {
  Key key;
  key.name = std::move(name);
  key.type = KeyType::string;
  key.description = std::move(description);
  key.default_value = std::move(fallback);
  key.check = std::move(check);
  return key;
}

Key count_key(std::string name, std::string description, std::optional<Value> fallback, double minimum,
              double maximum) {
  Key key;
  key.name = std::move(name);
  key.type = KeyType::integer;
  key.description = std::move(description);
  key.default_value = std::move(fallback);
  key.minimum = minimum;
  key.maximum = maximum;
  return key;
}

Key any_key(std::string name, std::string description, std::function<Problem(const Value&)> check) {
  Key key;
  key.name = std::move(name);
  key.type = KeyType::any;
  key.description = std::move(description);
  key.optional = true;
  key.check = std::move(check);
  return key;
}

std::vector<std::string> text_list(const Value& value) {
  std::vector<std::string> result;
  for (const Value& element : *value.get_if<List>()) result.push_back(*element.get_if<std::string>());
  return result;
}

void set(Site& site, const std::string& name, const Value& value) {
  const auto text = [&] { return *value.get_if<std::string>(); };
  const auto count = [&] { return static_cast<int>(*value.get_if<std::int64_t>()); };
  if (name == "partition") site.partition = text();
  if (name == "account") site.account = text();
  if (name == "qos") site.qos = text();
  if (name == "cores_per_node") site.cores_per_node = count();
  if (name == "memory_per_node_gb") site.memory_per_node = value.number() * 1e9;
  if (name == "max_nodes") site.max_nodes = count();
  if (name == "max_time") site.max_time = *parse_slurm_time(text());
  if (name == "launcher") site.launcher = text();
  if (name == "program") site.program = text();
  if (name == "modules") site.modules = text_list(value);
  if (name == "setup") site.setup = text_list(value);
  if (name == "sbatch") site.sbatch = text_list(value);
  if (name == "signal_lead") site.signal_lead = count();
  if (name == "max_tries") site.max_tries = count();
  if (name == "requeue") site.requeue = *value.get_if<bool>();
  if (name == "environment") {
    for (const auto& [key, entry] : value.get_if<Table>()->entries()) {
      site.environment.emplace_back(key, *entry.get_if<std::string>());
    }
  }
}

void unknown(const TomlEntry& entry, const std::vector<Key>& keys, Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const Key& key : keys) names.push_back(key.name);
  const std::string near = nearest(entry.key, names);
  diagnostics.error(entry.place, fmt::format("unknown key '{}' (a site file has none of that name) {}", entry.key,
                                             near.empty() ? fmt::format("allowed: {}", fmt::join(names, ", "))
                                                          : fmt::format("did you mean '{}'?", near)));
}

}  // namespace

std::vector<Key> site_keys() {
  constexpr double most = 1e6;
  std::vector<Key> keys;
  keys.push_back(text_key("partition", "Partition of the jobs; empty: the cluster's default", "", word));
  keys.push_back(text_key("account", "Account that is charged; empty: the user's default", "", word));
  keys.push_back(text_key("qos", "Quality of service; empty: the default", "", word));
  keys.push_back(count_key("cores_per_node", "Cores of a node: one rank each", std::nullopt, 1, most));
  Key memory = any_key("memory_per_node_gb", "Memory of a node that jobs may use, in units of 10^9 bytes", {});
  memory.type = KeyType::number;
  memory.minimum = 0;
  memory.minimum_exclusive = true;
  memory.maximum = most;
  keys.push_back(memory);
  keys.push_back(count_key("max_nodes", "Nodes that one job may use", Value(1), 1, most));
  Key time = any_key("max_time", "Longest time of one job, HH:MM:SS or D-HH:MM:SS; left out: no limit", duration);
  time.type = KeyType::string;
  keys.push_back(time);
  keys.push_back(
      text_key("launcher", "srun, mpirun, or shell words; {ranks} in them is the number of ranks", "srun", one_line));
  Key program = any_key("program", "Shell words that start meander; left out: the program that submits", one_line);
  program.type = KeyType::string;
  keys.push_back(program);
  keys.push_back(any_key("modules", "Modules to load", modules));
  keys.push_back(any_key("environment", "Environment variables of the job", environment));
  keys.push_back(any_key("setup", "Shell lines before the run", lines));
  keys.push_back(any_key("sbatch", "Further options of sbatch", options));
  keys.push_back(count_key("signal_lead", "Seconds before the end of a job at which it is told to stop", Value(120), 1,
                           65535));  // Slurm's own bound
  keys.push_back(
      count_key("max_tries", "Tries in a row that crash or finish nothing before the job gives up", Value(5), 1, 1000));
  Key requeue = any_key("requeue", "Whether a job may requeue itself; else it submits its successor", {});
  requeue.type = KeyType::boolean;
  keys.push_back(requeue);
  return keys;
}

Site parse_site(const std::string& text, const std::string& path) {
  Diagnostics diagnostics;
  const std::optional<TomlNode> root = parse_toml(text, path, diagnostics);
  diagnostics.throw_if_failed();
  const std::vector<Key> keys = site_keys();
  Site site;
  for (const TomlEntry& entry : root->table) {
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == entry.key; });
    if (key == keys.end()) {
      unknown(entry, keys, diagnostics);
    } else if (const std::optional<Value> value = check_value(*key, entry.node, false, diagnostics)) {
      set(site, key->name, *value);
    }
  }
  for (const Key& key : keys) {
    if (!key.optional && !key.default_value && root->find(key.name) == nullptr) {
      diagnostics.error({path, 0, 0},
                        fmt::format("the site file has no '{}' (it is required) add {} = ...", key.name, key.name));
    }
  }
  if (site.max_time <= site.signal_lead && root->find("max_time") != nullptr) {
    diagnostics.error(root->find("max_time")->node.place,
                      fmt::format("'max_time' is {} (the job would be told to stop {} s before its end, at once) raise "
                                  "it or lower 'signal_lead'",
                                  slurm_time(site.max_time), site.signal_lead));
  }
  diagnostics.throw_if_failed();
  return site;
}

Site read_site(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw BadInput(path + ": error: the site file cannot be read (it is a directory) check its path");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw BadInput(
        fmt::format("{}: error: the site file cannot be read ({}) check its path; templates are in "
                    "slurm/sites",
                    path, std::strerror(errno)));
  }
  return parse_site(std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>()), path);
}

}  // namespace meander
