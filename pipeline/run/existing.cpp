#include "pipeline/run/existing.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/shards/task_state.hpp"
#include "pipeline/values/printing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

namespace meander {
namespace {

/// What makes a study another one, a line each: its settings, sweep keys in order, file contents.
std::vector<std::string> identifying_lines(const Study& study) {
  Study bare = study;
  bare.title.clear();
  bare.realizations = 1;
  bare.sweep.clear();
  std::vector<std::string> lines;
  std::istringstream text(bare.text());
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  std::string keys;
  for (const SweepDimension& dimension : study.sweep) keys += (keys.empty() ? "" : ", ") + dimension.name;
  lines.push_back("a sweep over " + (keys.empty() ? "nothing" : keys));
  for (const auto& [key, file] : study.files)
    lines.push_back(fmt::format("{} with SHA-256 {:.12}...", key, file.sha256));
  return lines;
}

/// In which lines two studies differ, for the message that refuses to mix them.
std::string difference(const Study& mine, const Study& theirs) {
  const std::vector<std::string> here = identifying_lines(mine);
  const std::vector<std::string> there = identifying_lines(theirs);
  const auto only_in = [](const std::vector<std::string>& lines, const std::vector<std::string>& others) {
    std::string text;
    for (const std::string& line : lines) {
      const bool shared = std::find(others.begin(), others.end(), line) != others.end();
      if (!shared) text += (text.empty() ? "" : "; ") + line;
    }
    return text.empty() ? "nothing" : text;
  };
  return fmt::format("here: {}; there: {}", only_in(here, there), only_in(there, here));
}

Header readable_header(const std::string& path) {
  Header header = read_header(path);
  if (header.is_shard) throw BadInput(path + ": error: this is a shard, not an archive; give the archive's path");
  return header;
}

}  // namespace

/// Refuses what does not belong to `study`; changes nothing.
Existing look_at_existing(const std::string& archive, const Study& study, const Layout& layout, bool fresh) {
  Existing existing{.united = study, .layout = layout};
  const auto join = [&](const Header& header, const std::string& path) {
    if (header.study.identity() != study.identity()) {
      throw BadInput(
          fmt::format("{}: error: this archive is another study's ({}) choose another -o, or --fresh to start over",
                      path, difference(study, header.study)));
    }
    existing.united = unite(existing.united, header.study);
    existing.layout = unite(existing.layout, header.layout);
  };
  if (std::filesystem::exists(archive)) {
    const Header header = readable_header(archive);  // also with --fresh: never overwrite what is not ours
    existing.archive = true;
    existing.warning = header.warning;
    if (!fresh) {
      join(header, archive);
      existing.attributes = header.attributes;
      existing.sources.push_back(archive);
      existing.complete_as_it_is = header.warning.empty() && header.study.text() == existing.united.text();
    }
  }
  if (fresh) return existing;
  for (const std::string& shard : shard_files(archive)) {
    std::optional<Header> header;
    try {
      header = read_header(shard);
    } catch (const BadInput& error) {
      // A run looks several times, and says it once.
      static std::set<std::string> told;
      if (told.insert(shard).second) {
        print_error("{}: warning: unreadable shard is left alone, its tasks are done again\n  {}\n", shard,
                    error.what());
      }
      continue;
    }
    join(*header, shard);
    existing.sources.push_back(shard);
    existing.complete_as_it_is = false;
  }
  return existing;
}

std::string start_over(const std::string& archive) {
  namespace fs = std::filesystem;
  std::vector<std::string> shards = shard_files(archive);
  const bool states = !state_files(archive).empty();
  const bool there = fs::exists(archive);
  if (!there && !states && shards.empty()) return "";
  std::string aside;
  for (int number = 1;; ++number) {
    aside = fmt::format("{}.before-{}", archive, number);
    // symlink_status: a link that leads nowhere would be replaced.
    if (!fs::exists(fs::symlink_status(aside)) && !fs::exists(shard_folder(aside))) break;
  }
  // The archive goes last: what is left in its place after a crash in between is whole, if not all.
  if (states || !shards.empty()) fs::create_directory(shard_folder(aside));
  for (const std::string& shard : shards) fs::rename(shard, fs::path(shard_folder(aside)) / fs::path(shard).filename());
  if (states) fs::rename(state_folder(archive), state_folder(aside));
  if (there) fs::rename(archive, aside);
  return aside;
}

}  // namespace meander
