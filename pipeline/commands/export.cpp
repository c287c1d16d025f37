#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "pipeline/commands/commands.hpp"
#include "pipeline/files/regular_file.hpp"
#include "pipeline/measure/tasks.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

/// Splits "a=1,b=[2, 3]" at the commas that stand outside brackets, braces and quotes.
std::vector<std::string> split_cell(const std::string& text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '[' || c == '{')) ++depth;
    if (!quoted && (c == ']' || c == '}')) --depth;
    if (c == ',' && depth == 0 && !quoted) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

/// True where `text` names the value: a number by its value, everything else by its text.
bool names(const std::string& text, const Value& value) {
  if (value.is_number()) {
    double number = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() &&
           std::abs(number - value.number()) <= 1e-14 * std::abs(value.number());
  }
  const std::string bare = without_spaces(text);
  return bare == without_spaces(value.label()) || bare == without_spaces(value.toml());
}

std::optional<std::size_t> whole(const std::string& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::string values_text(const SweepDimension& dimension) {
  std::string text;
  for (const Value& value : dimension.values) text += (text.empty() ? "" : ", ") + value.label();
  return text;
}

struct Cell {
  std::vector<std::size_t> indices;
  std::uint64_t realization = 0;
};

/// The cell that `text` names; a dimension with one value need not be named.
Cell find_cell(const Study& study, const std::string& text) {
  const auto refuse = [&](const std::string& why) { throw BadInput("--cell " + text + ": error: " + why); };
  Cell cell;
  std::vector<bool> found(study.sweep.size(), false);
  cell.indices.resize(study.sweep.size(), 0);
  for (const std::string& part : split_cell(text)) {
    if (trimmed(part).empty()) continue;
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) refuse("'" + part + "' has no value (a cell is key=value,...)");
    const std::string name = trimmed(part.substr(0, equals));
    const std::string value = trimmed(part.substr(equals + 1));
    if (name == "realization") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), cell.realization);
      if (error != std::errc() || end != value.data() + value.size() ||
          cell.realization >= static_cast<std::uint64_t>(study.realizations)) {
        refuse(fmt::format("no realization '{}' (the study has 0 .. {})", value, study.realizations - 1));
      }
      continue;
    }
    std::size_t d = 0;
    while (d < study.sweep.size() && study.sweep[d].name != name) ++d;
    if (d == study.sweep.size()) {
      std::string allowed;
      for (const SweepDimension& dimension : study.sweep) allowed += dimension.name + ", ";
      refuse(fmt::format("'{}' is not swept (the cell's keys are {}realization)", name, allowed));
    }
    const std::vector<Value>& values = study.sweep[d].values;
    std::size_t i = 0;
    if (const std::optional<std::size_t> index = name == "point" ? whole(value) : std::nullopt) {
      i = std::min(*index, values.size());  // as the archive's coordinate counts them
    } else {
      while (i < values.size() && !names(value, values[i])) ++i;
    }
    if (i == values.size())
      refuse(fmt::format("{} has no value {} (it has {})", name, value, values_text(study.sweep[d])));
    cell.indices[d] = i;
    found[d] = true;
  }
  for (std::size_t d = 0; d < study.sweep.size(); ++d) {
    if (!found[d] && study.sweep[d].values.size() > 1) {
      refuse(fmt::format("no value for {} (it has {}) add {}=...", study.sweep[d].name, values_text(study.sweep[d]),
                         study.sweep[d].name));
    }
  }
  return cell;
}

/// Networks may be written again, other files may not: a study's or an archive's name here is a slip.
void check_target(const std::string& out) {
  const std::filesystem::path folder = std::filesystem::absolute(out).parent_path();
  if (!std::filesystem::is_directory(folder)) {
    throw BadInput(
        fmt::format("{}: error: the folder '{}' does not exist; create it or choose another -o", out, folder.string()));
  }
  if (std::filesystem::is_directory(out)) throw BadInput(out + ": error: is a directory; choose another -o");
  if (!std::filesystem::exists(out)) return;
  if (const auto problem = regular_file_problem(out)) {
    throw BadInput(fmt::format("{}: error: cannot be replaced ({}); choose another -o", out, *problem));
  }
  std::ifstream file(out, std::ios::binary);
  std::string begin(4, '\0');
  file.read(begin.data(), 4);
  file.seekg(-std::min<std::streamoff>(100, static_cast<std::streamoff>(std::filesystem::file_size(out))),
             std::ios::end);
  const std::string end((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (begin != "\x89HDF" || end.find("meander sha256 ") != std::string::npos) {
    throw BadInput(out + ": error: exists and is not a network file; choose another -o or remove it");
  }
}

}  // namespace

int export_command(const ExportArguments& arguments, const Catalogue& catalogue) {
  let_readers_go();
  const auto [study, measurement] = arguments.study.read(catalogue);
  const Cell cell = find_cell(study, arguments.cell);
  check_target(arguments.out);
  const Point point(study, cell.indices);
  const Task task{study, point, 0, cell.realization, study.seed, point_salt(point)};
  measurement->export_cell(task, arguments.out);
  print_output("{}: network and curve of {}, realization={}\n", arguments.out, point.text(), cell.realization);
  return exit_done;
}

}  // namespace meander
