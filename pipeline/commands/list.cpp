#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/commands/commands.hpp"

namespace meander {
namespace {

std::string type_text(const Key& key) {
  switch (key.type) {
    case KeyType::integer:
      return "integer";
    case KeyType::number:
      return "number";
    case KeyType::boolean:
      return "true or false";
    case KeyType::string: {
      std::string text;
      for (const std::string& choice : key.choices) text += (text.empty() ? "" : " | ") + choice;
      return text.empty() ? "text" : text;
    }
    case KeyType::integers:
      return "list of integers";
    case KeyType::numbers:
      return "list of numbers";
    case KeyType::file:
      return "path";
    case KeyType::any:
      return "name or table";
  }
  return "";
}

std::string bounds_text(const Key& key) {
  std::string text;
  if (std::isfinite(key.minimum)) text = fmt::format("{} {}", key.minimum_exclusive ? ">" : ">=", key.minimum);
  if (std::isfinite(key.maximum)) text += fmt::format("{}<= {}", text.empty() ? "" : ", ", key.maximum);
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
                              {"type", type_text(key)},
                              {"units", key.units},
                              {"bounds", bounds_text(key)},
                              {"sweepable", key.sweepable},
                              {"required", !key.default_value && !key.optional}};
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
                              {"long_name", array.long_name}});
  }
  return json;
}

void print_keys(const std::vector<Key>& keys) {
  std::string section = "\n";
  for (const Key& key : keys) {
    if (key.section != section) {
      section = key.section;
      fmt::print("\n{}\n", section.empty() ? "top of the file" : "[" + section + "]");
    }
    std::string facts = type_text(key);
    if (const std::string bounds = bounds_text(key); !bounds.empty()) facts += ", " + bounds;
    if (key.units != "1") facts += ", " + key.units;
    facts += ", " + (key.default_value ? "default " + default_text(key) : default_text(key));
    if (key.sweepable && key.section != "sweep") facts += ", may be swept";
    fmt::print("  {:<14} {}\n  {:<14} {}\n", key.name, facts, "", key.description);
  }
}

void print_measure(const Measure& measure) {
  fmt::print("{}: {}\n", measure.name(), measure.description());
  print_keys(common_keys());
  print_keys(measure.keys());
  fmt::print("\narrays, over the sweep and realization\n");
  for (const ArraySpec& array : measure.arrays()) {
    fmt::print("  {:<32} {}{}\n", dimensions_text(array), array.long_name,
               array.units == "1" ? "" : " [" + array.units + "]");
  }
}

/// A table cell: bars would end it.
std::string cell_text(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

void markdown_keys(const std::vector<Key>& keys) {
  fmt::print("| key | value | default | |\n|---|---|---|---|\n");
  for (const Key& key : keys) {
    std::string value = type_text(key);
    if (const std::string bounds = bounds_text(key); !bounds.empty()) value += ", " + bounds;
    if (key.units != "1") value += ", " + key.units;
    if (key.sweepable && key.section != "sweep") value += ", may be swept";
    fmt::print("| `{}` | {} | {} | {} |\n", key.section.empty() ? key.name : key.path(), cell_text(value),
               cell_text(default_text(key)), cell_text(key.description));
  }
}

void print_markdown(const Catalogue& catalogue) {
  fmt::print("# Measures\n\nWritten by `meander list --markdown`; a test compares the two.\n\n");
  fmt::print("Keys that every study may have at its top:\n\n");
  markdown_keys(common_keys());
  for (const Measure* measure : catalogue.measures()) {
    fmt::print("\n## {}\n\n{}\n\n", measure->name(), measure->description());
    markdown_keys(measure->keys());
    fmt::print("\n| array | units | |\n|---|---|---|\n");
    for (const ArraySpec& array : measure->arrays()) {
      fmt::print("| `{}` | {} | {} |\n", dimensions_text(array), array.units, cell_text(array.long_name));
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
      fmt::print("{}\n", measure_json(measure).dump(2));
    } else {
      print_measure(measure);
    }
    return exit_done;
  }
  if (arguments.json) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const Measure* measure : catalogue.measures()) json.push_back(measure_json(*measure));
    fmt::print("{}\n", json.dump(2));
    return exit_done;
  }
  for (const Measure* measure : catalogue.measures())
    fmt::print("{:<20} {}\n", measure->name(), measure->description());
  fmt::print("\n`meander list MEASURE` shows its parameters and arrays.\n");
  return exit_done;
}

}  // namespace meander
