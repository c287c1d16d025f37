#include "pipeline/archive/format/file_header.hpp"

#include <cblas.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 48;  // of one array: more than any machine has

const std::vector<std::string>& own_attributes() {
  static const std::vector<std::string> names = {"filetype", "version",  "title",  "measure",
                                                 "study",    "identity", "layout", "input_files"};
  return names;
}

bool is_own(const std::string& name) {
  return std::find(own_attributes().begin(), own_attributes().end(), name) != own_attributes().end();
}

// One line a file: digest, key path, path as the study gives it.
std::string files_text(const Study& study) {
  std::string text;
  for (const auto& [key, file] : study.files) text += file.sha256 + "  " + key + "  " + file.path + "\n";
  return text;
}

std::map<std::string, StudyFile> parse_files(const std::string& text) {
  std::map<std::string, StudyFile> files;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t key = line.find("  ");
    const std::size_t path = key == std::string::npos ? key : line.find("  ", key + 2);
    if (path == std::string::npos) throw hdf5::Error("attribute 'input_files' (a line is not `digest  key  path`)");
    files[line.substr(key + 2, path - key - 2)] = {line.substr(path + 2), line.substr(0, key), nullptr};
  }
  return files;
}

Attribute read_any(hid_t object, const std::string& name) {
  switch (hdf5::attribute_class(object, name)) {
    case H5T_STRING:
      return hdf5::read_text_attribute(object, name);
    case H5T_INTEGER: {
      std::vector<std::int64_t> values = hdf5::read_attribute<std::int64_t>(object, name);
      if (values.size() == 1) return values.front();
      return values;
    }
    case H5T_FLOAT:
      return hdf5::read_attribute<double>(object, name).at(0);
    default:
      throw hdf5::Error("attribute '" + name + "' (neither a string nor numbers)");
  }
}

struct AttributeWriter {
  hid_t object;
  const std::string& name;
  void operator()(const std::string& text) const { hdf5::write_text_attribute(object, name, text); }
  void operator()(std::int64_t value) const { hdf5::write_attribute(object, name, value); }
  void operator()(double value) const { hdf5::write_attribute(object, name, value); }
  void operator()(const std::vector<std::int64_t>& values) const {
    hdf5::write_attribute<std::int64_t>(object, name, values);
  }
};

void check_kind(hid_t file, const std::string& path) {
  const std::string filetype = hdf5::has_attribute(file, "filetype") ? hdf5::read_text_attribute(file, "filetype") : "";
  if (filetype != archive_filetype && filetype != shard_filetype) {
    throw BadInput(path + ": error: not an archive of meander (its filetype is " +
                   (filetype.empty() ? "missing" : "'" + filetype + "'") + ", not '" + archive_filetype +
                   "') give the archive that `meander run` wrote");
  }
  const std::vector<std::int64_t> version = hdf5::read_attribute<std::int64_t>(file, "version");
  if (version.size() != 2 || version[0] > format_version[0]) {
    std::string text;
    for (const std::int64_t number : version) text += (text.empty() ? "" : ".") + std::to_string(number);
    throw BadInput(path + ": error: the format's version " + text + " is newer than this program (it reads up to " +
                   std::to_string(format_version[0]) + ".x) use a newer meander");
  }
}

// A file's study and layout are believed only as far as everything that goes by them can: cells and values can be
// counted, every dimension is declared, once, and a ragged one comes first.
void check_layout(const Study& study, const Layout& layout) {
  const auto require = [](bool condition, const std::string& problem) {
    if (!condition) throw hdf5::Error("its layout does not fit its study: " + problem);
  };
  require(!layout.families.empty(), "there are no arrays");
  std::set<std::string> names;
  for (const OwnDimension& own : layout.dimensions) {
    require(names.insert(own.name).second && study.dimension(own.name) == nullptr,
            "two dimensions are called '" + own.name + "'");
    require(own.coordinates.empty() || own.ragged || own.coordinates.size() == own.size,
            "dimension '" + own.name + "' has another number of coordinates");
  }
  names.clear();
  std::set<std::string> families;
  for (const Family& family : layout.families) {
    require(families.insert(family.name).second, "two families are called '" + family.name + "'");
    for (const std::string& key : family.over.value_or(std::vector<std::string>())) {
      require(study.dimension(key) != nullptr, "'" + family.name + "' runs over '" + key + "', which is not swept");
    }
    std::uint64_t cells = family.per_realization ? static_cast<std::uint64_t>(study.realizations) : 1;
    for (const SweepDimension& dimension : study.sweep) {
      if (family.over && std::ranges::find(*family.over, dimension.name) == family.over->end()) continue;
      require(!__builtin_mul_overflow(cells, dimension.values.size(), &cells) && cells <= most_cells,
              "'" + family.name + "' has more cells than can be counted");
    }
    require(cells <= most_cells, "'" + family.name + "' has more cells than can be counted");
    for (const ArraySpec& array : family.arrays) {
      require(names.insert(array.name).second, "two arrays are called '" + array.name + "'");
      std::uint64_t values = std::max<std::uint64_t>(cells, 1) * sizeof(double);
      for (std::size_t d = 0; d < array.dimensions.size(); ++d) {
        const auto own = std::ranges::find(layout.dimensions, array.dimensions[d], &OwnDimension::name);
        require(own != layout.dimensions.end(),
                "array '" + array.name + "' has a dimension '" + array.dimensions[d] + "' that is not declared");
        require(!own->ragged || d == 0, "the ragged dimension of '" + array.name + "' does not come first");
        if (own->ragged) continue;
        require(!__builtin_mul_overflow(values, own->size, &values) && values <= most_bytes,
                "array '" + array.name + "' has more values than can be counted");
      }
    }
  }
}

}  // namespace

void write_file_header(hid_t file, const char* filetype, const Study& study, const Layout& layout,
                       const Attributes& attributes) {
  hdf5::write_text_attribute(file, "filetype", filetype);
  hdf5::write_attribute<std::int64_t>(file, "version", format_version);
  hdf5::write_text_attribute(file, "title", study.title);
  hdf5::write_text_attribute(file, "measure", study.measure);
  hdf5::write_text_attribute(file, "study", study.text());
  hdf5::write_text_attribute(file, "identity", study.identity());
  hdf5::write_text_attribute(file, "layout", layout.toml());
  hdf5::write_text_attribute(file, "input_files", files_text(study));
  for (const auto& [name, value] : attributes) {
    if (!is_own(name)) std::visit(AttributeWriter{file, name}, value);
  }
}

Header read_file_header(hid_t file, const std::string& path) {
  try {
    check_kind(file, path);
    Header header;
    header.is_shard = hdf5::read_text_attribute(file, "filetype") == shard_filetype;
    header.study = restore_study(hdf5::read_text_attribute(file, "study"),
                                 parse_files(hdf5::read_text_attribute(file, "input_files")));
    header.layout = Layout::parse(hdf5::read_text_attribute(file, "layout"));
    check_layout(header.study, header.layout);
    for (const std::string& name : hdf5::attribute_names(file)) {
      if (!is_own(name) || name == "identity") header.attributes.emplace_back(name, read_any(file, name));
    }
    return header;
  } catch (const hdf5::Error& error) {
    throw BadInput(path + ": error: damaged: " + error.what() + " restore it from a copy, or run the study again");
  }
}

std::string text_attribute(const Attributes& attributes, const std::string& name) {
  for (const auto& [key, value] : attributes) {
    if (const auto* text = std::get_if<std::string>(&value); key == name && text != nullptr) return *text;
  }
  return "";
}

void require_identity(const Header& header, const Study& study, const std::string& path) {
  if (text_attribute(header.attributes, "identity") == study.identity()) return;
  throw BadInput(path +
                 ": error: holds another study (its measure, seed, settings, sweep keys or input files differ) "
                 "only archives of one study can be joined");
}

std::string blas_core() {
  return openblas_get_corename();
}

}  // namespace meander
