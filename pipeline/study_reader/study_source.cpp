// Reads whole files, with the reason where that fails, and puts overrides into a study's tree.
#include "pipeline/study_reader/study_source.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "pipeline/files/regular_file.hpp"
#include "pipeline/study_reader/study_reader.hpp"
#include "pipeline/values/sha256.hpp"

namespace meander {

namespace {

namespace fs = std::filesystem;

/// The value of an override, every place in it being `--set key`.
void set_places(TomlNode& node, const Place& place) {
  node.place = place;
  for (TomlNode& element : node.list) set_places(element, place);
  for (TomlEntry& entry : node.table) {
    entry.place = place;
    set_places(entry.node, place);
  }
}

/// A word without TOML's punctuation: a text whose quotes the shell or the user left out.
bool is_bare_text(const std::string& text) {
  return !text.empty() && text.find_first_of("[]{}\"'=\n") == std::string::npos;
}

std::optional<TomlNode> override_value(const Override& change, const Place& place, Diagnostics& diagnostics) {
  Diagnostics ignored;
  std::optional<TomlNode> root = parse_toml("value = " + change.value, place.file, ignored);
  TomlNode value;
  if (root && root->table.size() == 1 && root->table.front().key == "value") {
    value = std::move(root->table.front().node);
  } else if (is_bare_text(change.value)) {
    value.scalar = Value(change.value);
  } else {
    diagnostics.error(
        place, fmt::format("{} is not a TOML value (numbers stand as they are, texts in double quotes) write for "
                           "example --set 'sweep.width=[64,128]'",
                           Value(change.value).toml()));
    return std::nullopt;
  }
  set_places(value, place);
  return value;
}

TomlEntry& entry_of(TomlNode& table, const std::string& key, const Place& place) {
  if (TomlEntry* entry = table.find(key)) return *entry;
  TomlEntry& entry = table.table.emplace_back();
  entry.key = key;
  entry.place = place;
  entry.node.kind = TomlNode::Kind::table;
  entry.node.place = place;
  return entry;
}

void apply(TomlNode& root, const Override& change, Diagnostics& diagnostics) {
  const Place place{"--set " + change.key, 0, 0};
  const std::size_t dot = change.key.find('.');
  const std::string section = change.key.substr(0, dot);
  const std::string key = dot == std::string::npos ? std::string() : change.key.substr(dot + 1);
  if (section.empty() || (dot != std::string::npos && (key.empty() || key.find('.') != std::string::npos))) {
    diagnostics.error(place,
                      fmt::format("'{}' names no key (a key is a name, or a section, a dot and a name) write for "
                                  "example --set sweep.width=[64,128]",
                                  change.key));
    return;
  }
  std::optional<TomlNode> value = override_value(change, place, diagnostics);
  if (!value) return;
  TomlEntry* entry = &entry_of(root, section, place);
  if (!key.empty()) {
    // What the file has in place of a section is reported when the study is read.
    if (entry->node.kind != TomlNode::Kind::table) return;
    entry = &entry_of(entry->node, key, place);
  }
  entry->place = place;
  entry->node = std::move(*value);
}

}  // namespace

TomlNode read_source(const std::string& path, const std::vector<Override>& overrides, Diagnostics& diagnostics) {
  std::string problem;
  const std::optional<Bytes> bytes = read_regular_file(path, problem);
  if (!bytes) {
    throw BadInput(fmt::format("{}: error: the study file cannot be read ({}) check its path", path, problem));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  std::optional<TomlNode> root = parse_toml(text, path, diagnostics);
  if (!root) {
    root.emplace();
    root->kind = TomlNode::Kind::table;
    for (const Override& change : overrides) apply(*root, change, diagnostics);
    diagnostics.throw_if_failed();
  }
  for (const Override& change : overrides) apply(*root, change, diagnostics);
  return std::move(*root);
}

void read_files(const std::string& path, const std::vector<Key>& keys, Study& study, Diagnostics& diagnostics) {
  std::map<fs::path, StudyFile> read;
  for (const Key& key : keys) {
    const Value* setting = key.type == KeyType::file ? study.setting(key.path()) : nullptr;
    if (!setting) continue;
    const std::string& written = *setting->get_if<std::string>();
    const Place place = study.place(key.path());
    const fs::path base = place.file.starts_with("--set ") ? fs::path() : fs::path(path).parent_path();
    const fs::path full = (base / written).lexically_normal();
    StudyFile& file = read[full];
    if (!file.bytes) {
      std::string problem;
      std::optional<Bytes> bytes = read_regular_file(full.string(), problem);
      if (!bytes) {
        diagnostics.error(place, fmt::format("'{}' cannot be read: {} ({}){}{}", key.name, full.string(), problem,
                                             key.hint.empty() ? "" : " ", key.hint));
        continue;
      }
      file.sha256 = hexadecimal(sha256(std::span<const std::byte>(*bytes)));
      file.bytes = std::make_shared<const Bytes>(std::move(*bytes));
    }
    study.files[key.path()] = {written, file.sha256, file.bytes};
  }
}

}  // namespace meander
