// A study as text and as a hash, and back from the text.
#include <fmt/format.h>

#include <algorithm>

#include "pipeline/study/study.hpp"
#include "pipeline/values/sha256.hpp"
#include "pipeline/values/toml_text.hpp"

namespace meander {

namespace {

constexpr std::string_view defaults_section = "defaults";

std::string section_text(std::string_view name, const Table& table) {
  std::string text = fmt::format("\n[{}]\n", toml_key(name));
  for (const auto& [key, value] : table.entries()) text += fmt::format("{} = {}\n", toml_key(key), value.toml());
  return text;
}

[[noreturn]] void not_a_study(const std::string& problem) {
  throw BadInput(fmt::format("the study of an archive is damaged ({}) check the archive", problem));
}

/// The common keys and sections of an archive's study, taken out of the tree one by one.
class Restorer {
 public:
  explicit Restorer(TomlNode root) : root_(std::move(root)) {}

  Study run() {
    Study study;
    study.title = text("title");
    study.measure = text("measure");
    study.measure_version = static_cast<int>(integer("measure_version", 1));
    study.seed = static_cast<std::uint64_t>(integer("seed", 0));
    study.realizations = integer("realizations", 1);
    study.single_precision = choice("precision", "double", "single");
    study.independent = choice("coupling", "common", "independent");
    for (const TomlEntry& entry : root_.table) {
      if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
      if (entry.node.kind != TomlNode::Kind::table) not_a_study("'" + entry.key + "' is no section");
      if (entry.key == "sweep") {
        sweep(entry.node, study);
      } else {
        study.settings.set(entry.key == defaults_section ? "sweep" : entry.key, entry.node.value());
      }
    }
    if (const auto problem = study.too_many_cells()) not_a_study(*problem);
    return study;
  }

 private:
  const TomlNode& common(const std::string& key) {
    known_.push_back(key);
    const TomlEntry* entry = root_.find(key);
    if (!entry || entry->node.kind != TomlNode::Kind::scalar) not_a_study("it has no '" + key + "'");
    return entry->node;
  }

  std::string text(const std::string& key) {
    const auto* value = common(key).scalar.get_if<std::string>();
    if (!value) not_a_study("'" + key + "' is no text");
    return *value;
  }

  std::int64_t integer(const std::string& key, std::int64_t minimum) {
    const auto* value = common(key).scalar.get_if<std::int64_t>();
    if (!value || *value < minimum) not_a_study("'" + key + "' is no integer of at least " + std::to_string(minimum));
    return *value;
  }

  bool choice(const std::string& key, const std::string& no, const std::string& yes) {
    const std::string value = text(key);
    if (value != no && value != yes) not_a_study("'" + key + "' is '" + value + "'");
    return value == yes;
  }

  static void sweep(const TomlNode& section, Study& study) {
    for (const TomlEntry& entry : section.table) {
      if (entry.node.kind != TomlNode::Kind::list || entry.node.list.empty()) {
        not_a_study("'sweep." + entry.key + "' is no list of values");
      }
      SweepDimension dimension{entry.key, {}};
      for (const TomlNode& value : entry.node.list) dimension.values.push_back(value.value());
      study.sweep.push_back(std::move(dimension));
    }
  }

  TomlNode root_;
  std::vector<std::string> known_;
};

/// What tells one dimension from another: its name, and for `point` its parameters.
std::string dimension_identity(const SweepDimension& dimension) {
  std::string text = dimension.name;
  const auto* table = dimension.name == "point" ? dimension.values.front().get_if<Table>() : nullptr;
  if (!table) return text;
  std::vector<std::string> names;
  for (const auto& entry : table->entries()) names.push_back(entry.key);
  std::sort(names.begin(), names.end());
  return fmt::format("{} ({})", text, fmt::join(names, ", "));
}

}  // namespace

std::string Study::text() const {
  std::string text;
  text += "title = " + Value(title).toml() + "\n";
  text += "measure = " + Value(measure).toml() + "\n";
  text += fmt::format("measure_version = {}\nseed = {}\nrealizations = {}\n", measure_version, seed, realizations);
  text += fmt::format("precision = \"{}\"\n", single_precision ? "single" : "double");
  text += fmt::format("coupling = \"{}\"\n", independent ? "independent" : "common");
  if (!sweep.empty()) {
    text += "\n[sweep]\n";
    for (const SweepDimension& dimension : sweep) {
      text += fmt::format("{} = {}\n", toml_key(dimension.name), Value(List(dimension.values)).toml());
    }
  }
  if (const Value* defaults = settings.find("sweep"))
    text += section_text(defaults_section, *defaults->get_if<Table>());
  for (const auto& [section, table] : settings.entries()) {
    if (section != "sweep") text += section_text(section, *table.get_if<Table>());
  }
  return text;
}

std::string Study::common_text() const {
  std::vector<std::string> lines;
  for (const auto& [section, table] : settings.entries()) {
    for (const auto& [key, value] : table.get_if<Table>()->entries()) {
      const std::string path = section + "." + key;
      const StudyFile* content = file(path);
      lines.push_back(path + (content ? " sha256 " + content->sha256 : " = " + value.canonical()));
    }
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("measure {} {}\nseed {}\nprecision {}\ncoupling {}\n{}\n", Value(measure).toml(), measure_version,
                     seed, single_precision ? "single" : "double", independent ? "independent" : "common",
                     fmt::join(lines, "\n"));
}

std::string Study::identity() const {
  std::string text = "meander study\n" + common_text();
  for (const SweepDimension& dimension : sweep) text += "sweep " + dimension_identity(dimension) + "\n";
  return hexadecimal(sha256(text));
}

Study restore_study(const std::string& text, const std::map<std::string, StudyFile>& files) {
  Diagnostics diagnostics;
  std::optional<TomlNode> root = parse_toml(text, "study", diagnostics);
  if (!root) not_a_study(diagnostics.text());
  Study study = Restorer(std::move(*root)).run();
  study.files = files;
  return study;
}

}  // namespace meander
