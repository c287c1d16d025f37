// As cgroups(7) and proc(5) describe them. A container may see its own group as the root of a mount, by a path that is
// not below the mount, or both.
#include "pipeline/machine/control_groups.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

namespace meander {
namespace {

namespace fs = std::filesystem;

struct Mount {
  std::string root;  // the group that is seen there
  fs::path point;
  std::vector<std::string> controllers;  // of version 1; empty for version 2
};

std::vector<std::string> split(const std::string& text, char by) {
  std::istringstream stream(text);
  std::vector<std::string> parts;
  for (std::string part; std::getline(stream, part, by);) parts.push_back(part);
  return parts;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

/// The kernel writes blanks and backslashes of a path as \ooo.
std::string unescaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ptr == text.data() + i + 4) {
      result += static_cast<char>(code);
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

/// id parent device root point options [tags...] - type source super-options
std::vector<Mount> mounts(const fs::path& root) {
  std::vector<Mount> found;
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (dash - words.begin() < 6 || words.end() - dash < 4) continue;
    const fs::path point = root / fs::path(unescaped(words[4])).relative_path();
    if (dash[1] == "cgroup2") found.push_back({unescaped(words[3]), point, {}});
    if (dash[1] == "cgroup") found.push_back({unescaped(words[3]), point, split(dash[3], ',')});
  }
  return found;
}

/// The group's folder below a mount, or the mount itself where the group's path says nothing of it.
fs::path folder_of(const Mount& mount, const std::string& group) {
  const std::string above = mount.root == "/" ? "" : mount.root;
  std::error_code ignored;
  if (group.starts_with(above)) {
    const fs::path inside = mount.point / fs::path(group.substr(above.size())).relative_path();
    if (fs::is_directory(inside, ignored)) return inside.lexically_normal();
  }
  const fs::path named = mount.point / fs::path(group).relative_path();
  return fs::is_directory(named, ignored) ? named.lexically_normal() : mount.point;
}

}  // namespace

std::vector<fs::path> control_groups(const std::string& controller, const fs::path& root) {
  std::vector<fs::path> folders;
  const std::vector<Mount> mounted = mounts(root);
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // id:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::vector<std::string> controllers = split(line.substr(first + 1, second - first - 1), ',');
    if (!controllers.empty() && !contains(controllers, controller)) continue;
    for (const Mount& mount : mounted) {
      const bool same = controllers.empty() ? mount.controllers.empty() : contains(mount.controllers, controller);
      if (!same) continue;
      const fs::path top = mount.point.lexically_normal();
      for (fs::path folder = folder_of(mount, line.substr(second + 1));; folder = folder.parent_path()) {
        folders.push_back(folder);
        if (folder == top || !folder.has_relative_path() || folder.string().size() <= top.string().size()) break;
      }
    }
  }
  return folders;
}

std::optional<std::vector<double>> limit_numbers(const fs::path& file) {
  std::ifstream stream(file);
  std::vector<double> numbers;
  for (std::string word; stream >> word;) {
    double number = 0.0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    numbers.push_back(number);
  }
  if (numbers.empty()) return std::nullopt;
  return numbers;
}

}  // namespace meander
