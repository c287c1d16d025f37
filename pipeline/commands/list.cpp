#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "pipeline/commands/commands.hpp"
#include "pipeline/commands/json_output.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

/// "an integer, at least 1", "circle | arc | line".
std::string value_text(const Key& key) {
  std::string text = key.choices.empty() ? describe_type(key) : fmt::format("{}", fmt::join(key.choices, " | "));
  if (const std::string bounds = describe_bounds(key); !bounds.empty()) text += ", " + bounds;
  if (key.units != "1") text += ", " + key.units;
  if (key.sweepable && key.section != "sweep") text += ", may be swept";
  return text;
}

std::string default_text(const Key& key) {
  if (key.default_value) return key.default_value->toml();
  return key.optional ? "none" : "required";
}

std::string dimensions_text(const ArraySpec& array) {
  std::string text;
  for (const std::string& dimension : array.dimensions) text += (text.empty() ? "" : ", ") + dimension;
  return text.empty() ? array.name : array.name + "(" + text + ")";
}

const Measure& named(const Catalogue& catalogue, const std::string& name) {
  if (const Measure* measure = catalogue.find(name)) return *measure;
  std::vector<std::string> names;
  for (const Measure* measure : catalogue.measures()) names.push_back(measure->name());
  const std::string near = nearest(name, names);
  throw BadInput(fmt::format("measure '{}': error: no such measure (there are: {}) {}", name, fmt::join(names, ", "),
                             near.empty() ? "choose one of them" : "did you mean '" + near + "'?"));
}

nlohmann::ordered_json key_json(const Key& key) {
  nlohmann::ordered_json json{{"section", key.section},
                              {"name", key.name},
                              {"type", key.choices.empty() ? describe_type(key) : "one of choices"},
                              {"units", key.units},
                              {"bounds", describe_bounds(key)},
                              {"sweepable", key.sweepable},
                              {"required", !key.default_value && !key.optional}};
  if (!key.choices.empty()) json["choices"] = key.choices;
  json["default"] = key.default_value ? nlohmann::ordered_json(key.default_value->toml()) : nlohmann::ordered_json();
  json["description"] = key.description;
  return json;
}

nlohmann::ordered_json measure_json(const Measure& measure) {
  nlohmann::ordered_json json{
      {"measure", measure.name()}, {"version", measure.version()}, {"description", measure.description()}};
  json["keys"] = nlohmann::ordered_json::array();
  for (const Key& key : common_keys()) json["keys"].push_back(key_json(key));
  for (const Key& key : measure.keys()) json["keys"].push_back(key_json(key));
  json["arrays"] = nlohmann::ordered_json::array();
  for (const ArraySpec& array : measure.arrays()) {
    json["arrays"].push_back({{"name", array.name},
                              {"dimensions", array.dimensions},
                              {"units", array.units},
                              {"long_name", array.long_name},
                              {"undefined_where", array.undefined_where},
                              {"infinite_where", array.infinite_where}});
  }
  return json;
}

void print_keys(const std::vector<Key>& keys) {
  std::string section = "\n";
  for (const Key& key : keys) {
    if (key.section != section) {
      section = key.section;
      print_output("\n{}\n", section.empty() ? "top of the file" : "[" + section + "]");
    }
    const std::string facts =
        value_text(key) + ", " + (key.default_value ? "default " + default_text(key) : default_text(key));
    print_output("  {:<14} {}\n  {:<14} {}\n", key.name, facts, "", key.description);
  }
}

void print_measure(const Measure& measure) {
  print_output("{}: {}\n", measure.name(), measure.description());
  print_keys(common_keys());
  print_keys(measure.keys());
  print_output("\narrays, over the sweep and realization\n");
  for (const ArraySpec& array : measure.arrays()) {
    print_output("  {:<32} {}{}\n", dimensions_text(array), array.long_name,
                 array.units == "1" ? "" : " [" + array.units + "]");
    if (const std::string exceptions = array.exceptions(); !exceptions.empty()) {
      print_output("  {:<32} {}\n", "", exceptions);
    }
  }
}

/// A table cell: bars would end it.
std::string cell_text(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

void markdown_keys(const std::vector<Key>& keys) {
  print_output("| key | value | default | |\n|---|---|---|---|\n");
  for (const Key& key : keys) {
    print_output("| `{}` | {} | {} | {} |\n", key.section.empty() ? key.name : key.path(), cell_text(value_text(key)),
                 cell_text(default_text(key)), cell_text(key.description));
  }
}

void print_markdown(const Catalogue& catalogue) {
  print_output("# Measures\n\nWritten by `meander list --markdown`; a test compares the two.\n\n");
  print_output("Keys that every study may have at its top:\n\n");
  markdown_keys(common_keys());
  for (const Measure* measure : catalogue.measures()) {
    print_output("\n## {}\n\n{}\n\n", measure->name(), measure->description());
    markdown_keys(measure->keys());
    print_output("\n| array | units | |\n|---|---|---|\n");
    for (const ArraySpec& array : measure->arrays()) {
      const std::string exceptions = array.exceptions();
      print_output("| `{}` | {} | {} |\n", dimensions_text(array), array.units,
                   cell_text(array.long_name + (exceptions.empty() ? "" : "; " + exceptions)));
    }
  }
}

}  // namespace

int list_command(const ListArguments& arguments, const Catalogue& catalogue) {
  if (arguments.markdown) {
    print_markdown(catalogue);
    return exit_done;
  }
  if (!arguments.measure.empty()) {
    const Measure& measure = named(catalogue, arguments.measure);
    if (arguments.json) {
      print_json(measure_json(measure));
    } else {
      print_measure(measure);
    }
    return exit_done;
  }
  if (arguments.json) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const Measure* measure : catalogue.measures()) json.push_back(measure_json(*measure));
    print_json(json);
    return exit_done;
  }
  for (const Measure* measure : catalogue.measures())
    print_output("{:<20} {}\n", measure->name(), measure->description());
  print_output("\n`meander list MEASURE` shows its parameters and arrays.\n");
  return exit_done;
}

}  // namespace meander
