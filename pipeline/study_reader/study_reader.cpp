// Reads a study file: every key is held against its declaration, every mistake is reported, and what
// is left out is filled in.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "pipeline/measure/measure.hpp"
#include "pipeline/study/study.hpp"
#include "pipeline/study_reader/study_reader.hpp"
#include "pipeline/study_reader/study_source.hpp"
#include "pipeline/study_reader/sweep.hpp"
#include "pipeline/values/key_check.hpp"
#include "pipeline/values/toml_text.hpp"

namespace meander {

namespace {

constexpr std::string_view defaults_section = "defaults";

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

/// " did you mean 'x'?", or the allowed names where they are few, or nothing.
std::string suggestion(std::string_view word, const std::vector<std::string>& allowed) {
  constexpr std::size_t few = 16;
  if (const std::string near = nearest(word, allowed); !near.empty()) return fmt::format(" did you mean '{}'?", near);
  if (allowed.empty() || allowed.size() > few) return {};
  return " allowed: " + joined(allowed);
}

class StudyReader {
 public:
  StudyReader(const TomlNode& root, const Catalogue& catalogue, Diagnostics& diagnostics)
      : root_(root), catalogue_(catalogue), diagnostics_(diagnostics) {}

  /// All but the files' content and the measure's own check. Throws BadInput.
  Study run() {
    study_.places[""] = root_.place;
    read_common();
    if (!measure_) {
      diagnostics_.throw_if_failed();
      throw std::logic_error("a study without a measure was not refused");
    }
    keys_ = measure_->keys();
    study_.measure_version = measure_->version();
    for (const TomlEntry& entry : root_.table) read_top(entry);
    for (const Key& key : keys_) complete(key);
    if (study_.single_precision && !measure_->offers_single_precision()) {
      error(study_.place("precision"),
            fmt::format("'precision' is \"single\" ({} is computed in double only) remove it", study_.measure));
    }
    if (const auto problem = study_.too_many_cells()) diagnostics_.error(study_.place("sweep"), *problem);
    return std::move(study_);
  }

  const std::vector<Key>& keys() const { return keys_; }

 private:
  void error(const Place& place, std::string message) { diagnostics_.error(place, std::move(message)); }

  // The top of the file.

  void read_common() {
    for (const Key& key : common_keys()) {
      common_names_.push_back(key.name);
      const TomlEntry* entry = root_.find(key.name);
      std::optional<Value> value;
      if (entry) {
        study_.places[key.name] = entry->node.place;
        value = check_value(key, entry->node, false, diagnostics_);
      } else if (!key.default_value && !key.optional) {
        error(root_.place,
              fmt::format("the study has no '{}' (it is required) add it at the top: {} = ...", key.name, key.name));
      } else {
        value = default_of(key);
      }
      if (value) set_common(key.name, *value);
    }
    find_measure();
  }

  void set_common(const std::string& name, const Value& value) {
    const auto* text = value.get_if<std::string>();
    const auto* integer = value.get_if<std::int64_t>();
    if (name == "title") study_.title = *text;
    if (name == "measure") study_.measure = *text;
    if (name == "measure_version") written_version_ = *integer;
    if (name == "seed") study_.seed = static_cast<std::uint64_t>(*integer);
    if (name == "realizations") study_.realizations = *integer;
    if (name == "precision") study_.single_precision = *text == "single";
    if (name == "coupling") study_.independent = *text == "independent";
  }

  void find_measure() {
    const TomlEntry* entry = root_.find("measure");
    if (!entry || !entry->node.scalar.get_if<std::string>()) return;
    measure_ = catalogue_.find(study_.measure);
    if (!measure_) {
      std::vector<std::string> names;
      for (const Measure* measure : catalogue_.measures()) names.push_back(measure->name());
      error(entry->node.place, fmt::format("there is no measure '{}' (see `meander list`){}", study_.measure,
                                           suggestion(study_.measure, names)));
    } else if (written_version_ && *written_version_ != measure_->version()) {
      error(study_.place("measure_version"),
            fmt::format("the study was written for version {} of measure '{}' (this program has version {}) remove "
                        "measure_version to measure anew",
                        *written_version_, study_.measure, measure_->version()));
    }
  }

  bool is_section(std::string_view name) const {
    return std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) { return key.section == name; });
  }

  std::vector<std::string> section_names() const {
    std::vector<std::string> names;
    for (const Key& key : keys_) {
      const std::string name = key.sweepable ? "sweep" : key.section;
      for (const std::string& section : {name, key.section}) {
        if (std::find(names.begin(), names.end(), section) == names.end()) names.push_back(section);
      }
    }
    return names;
  }

  void read_top(const TomlEntry& entry) {
    if (std::find(common_names_.begin(), common_names_.end(), entry.key) != common_names_.end()) return;
    const bool known = entry.key == "sweep" || entry.key == defaults_section || is_section(entry.key);
    if (!known) return unknown_top(entry);
    study_.places[entry.key] = entry.place;
    if (entry.node.kind != TomlNode::Kind::table) {
      return error(entry.node.place, fmt::format("'{}' is {} (it is a section) write [{}] and its keys below it",
                                                 entry.key, entry.node.text(), entry.key));
    }
    if (entry.key == "sweep") return read_sweep(entry.node);
    for (const TomlEntry& inner : entry.node.table) read_setting(entry.key, inner);
  }

  void unknown_top(const TomlEntry& entry) {
    const bool section = entry.node.kind == TomlNode::Kind::table;
    if (const Measure* owner = catalogue_.find(entry.key); owner && section) {
      return error(entry.place, fmt::format("[{}] does not belong here (it holds settings of measure '{}', and this "
                                            "study's measure is '{}') remove it",
                                            entry.key, entry.key, study_.measure));
    }
    if (const Key* key = find_key(entry.key); key && !section) {
      return error(entry.place, fmt::format("'{}' stands at the top of the file (its place is [{}]) move it there",
                                            entry.key, key->section));
    }
    std::vector<std::string> allowed = section ? section_names() : common_names_;
    const std::string what = section ? fmt::format("section [{}]", entry.key) : fmt::format("key '{}'", entry.key);
    error(entry.place, fmt::format("unknown {} (a study of measure '{}' has none of that name){}", what, study_.measure,
                                   suggestion(entry.key, allowed)));
  }

  // Sections.

  const Key* find_key(std::string_view name) const {
    for (const Key& key : keys_) {
      if (key.name == name) return &key;
    }
    return nullptr;
  }

  const Key* find_key(std::string_view section, std::string_view name) const {
    for (const Key& key : keys_) {
      if (key.section == section && key.name == name) return &key;
    }
    return nullptr;
  }

  const Key* find_sweepable(std::string_view name) const {
    for (const Key& key : keys_) {
      if (key.name == name && key.sweepable) return &key;
    }
    return nullptr;
  }

  void unknown_key(const std::string& section, const TomlEntry& entry, const std::vector<std::string>& allowed) {
    const Key* elsewhere = find_key(entry.key);
    if (elsewhere) {
      const std::string why = section == "sweep" ? fmt::format("'{}' cannot be swept", entry.key)
                                                 : fmt::format("'{}' is no key of [{}]", entry.key, section);
      return error(entry.place, fmt::format("{} (its place is [{}]) move it there", why, elsewhere->section));
    }
    if (std::find(common_names_.begin(), common_names_.end(), entry.key) != common_names_.end()) {
      return error(entry.place, fmt::format("'{}' stands in [{}] (its place is the top of the file, before the first "
                                            "section) move it there",
                                            entry.key, section));
    }
    error(entry.place, fmt::format("unknown key '{}' in [{}] (measure '{}' has none of that name){}", entry.key,
                                   section, study_.measure, suggestion(entry.key, allowed)));
  }

  void read_setting(const std::string& section, const TomlEntry& entry) {
    // [defaults] is how a study's text holds parameters that are no dimensions.
    const std::string home = section == defaults_section ? "sweep" : section;
    const Key* key = find_key(home, entry.key);
    if (!key) {
      std::vector<std::string> allowed;
      for (const Key& candidate : keys_) {
        if (candidate.section == home) allowed.push_back(candidate.name);
      }
      return unknown_key(section, entry, allowed);
    }
    study_.places[key->path()] = entry.node.place;
    given_.push_back({key, entry.place, check_value(*key, entry.node, home == "sweep", diagnostics_)});
  }

  void read_sweep(const TomlNode& section) {
    for (const TomlEntry& entry : section.table) {
      if (entry.key == "point") {
        read_sweep_point(entry);
        continue;
      }
      const Key* key = find_sweepable(entry.key);
      if (!key) {
        std::vector<std::string> allowed;
        for (const Key& candidate : keys_) {
          if (candidate.sweepable) allowed.push_back(candidate.name);
        }
        if (!allowed.empty()) allowed.emplace_back("point");
        unknown_key("sweep", entry, allowed);
        continue;
      }
      note_swept(*key, entry.key, entry.place, entry.node.place);
      if (auto dimension = read_dimension(*key, entry.node, diagnostics_))
        study_.sweep.push_back(std::move(*dimension));
    }
  }

  void read_sweep_point(const TomlEntry& entry) {
    study_.places["sweep.point"] = entry.node.place;
    auto dimension = read_point(keys_, entry.node, diagnostics_);
    const TomlNode* first = &entry.node;
    if (first->kind == TomlNode::Kind::list && !first->list.empty()) first = &first->list.front();
    for (const TomlEntry& parameter : first->table) {
      if (const Key* key = find_sweepable(parameter.key)) {
        note_swept(*key, "point", parameter.place, parameter.node.place);
      }
    }
    if (dimension) study_.sweep.push_back(std::move(*dimension));
  }

  void note_swept(const Key& key, const std::string& dimension, const Place& place, const Place& value) {
    study_.places["sweep." + key.name] = value;
    for (const Swept& other : swept_) {
      if (other.key->name != key.name) continue;
      const std::string first = other.dimension == "point" ? "in 'point'" : "by itself";
      const std::string second = dimension == "point" ? "in 'point'" : "by itself";
      return error(place, fmt::format("'{}' is swept {} and {} (one of them must give its value) leave one out",
                                      key.name, first, second));
    }
    swept_.push_back({&key, dimension, place});
  }

  /// Puts a key's setting or default in its place, once the whole file was read.
  void complete(const Key& key) {
    const auto swept = std::find_if(swept_.begin(), swept_.end(), [&](const Swept& s) { return s.key == &key; });
    const auto given = std::find_if(given_.begin(), given_.end(), [&](const Given& g) { return g.key == &key; });
    if (swept != swept_.end()) {
      if (given != given_.end()) {
        error(given->place, fmt::format("'{}' is given in [{}] and swept in [sweep] (only one can hold) leave one out",
                                        key.name, key.section == "sweep" ? defaults_section : key.section));
      }
      return;
    }
    std::optional<Value> value = given != given_.end() ? given->value : default_of(key);
    if (value) {
      set_setting(key, std::move(*value));
    } else if (given == given_.end() && !key.optional) {
      const bool bounds = !describe_bounds(key).empty();
      error(study_.place(key.section),
            fmt::format("'{}' is missing in [{}] (measure '{}' needs it) give it {}{}{}", key.name, key.section,
                        study_.measure, describe_type(key), bounds ? ", " : "", describe_bounds(key)));
    }
  }

  void set_setting(const Key& key, Value value) {
    const Value* old = study_.settings.find(key.section);
    Table table = old ? *old->get_if<Table>() : Table();
    table.set(key.name, std::move(value));
    study_.settings.set(key.section, std::move(table));
  }

  struct Given {
    const Key* key;
    Place place;
    std::optional<Value> value;  // nothing: it was wrong, and that was reported
  };
  struct Swept {
    const Key* key;
    std::string dimension;
    Place place;
  };

  const TomlNode& root_;
  const Catalogue& catalogue_;
  Diagnostics& diagnostics_;
  Study study_;
  const Measure* measure_ = nullptr;
  std::vector<Key> keys_;
  std::vector<std::string> common_names_;
  std::optional<std::int64_t> written_version_;
  std::vector<Given> given_;
  std::vector<Swept> swept_;
};

}  // namespace

BoundStudy read_study(const std::string& path, const std::vector<Override>& overrides, const Catalogue& catalogue) {
  Diagnostics diagnostics;
  const TomlNode root = read_source(path, overrides, diagnostics);
  StudyReader reader(root, catalogue, diagnostics);
  BoundStudy bound{reader.run(), nullptr};
  Study& study = bound.study;
  read_files(path, reader.keys(), study, diagnostics);
  // A measure may take values and types for granted.
  diagnostics.throw_if_failed();
  bound.measurement = catalogue.find(study.measure)->bind(study, diagnostics);
  diagnostics.throw_if_failed();
  study.warnings = diagnostics.text();
  return bound;
}

}  // namespace meander
