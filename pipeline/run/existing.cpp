#include "pipeline/run/existing.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace meander {
namespace {

/// The settings in which two studies differ, for the message that refuses to mix them.
std::string difference(const Study& mine, const Study& theirs) {
  const auto lines = [](const Study& study) {
    Study bare = study;
    bare.title.clear();
    bare.realizations = 1;
    for (SweepDimension& dimension : bare.sweep)
      dimension.values.resize(std::min<std::size_t>(1, dimension.values.size()));
    std::vector<std::string> out;
    std::string text = bare.text();
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      out.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return out;
  };
  const std::vector<std::string> a = lines(mine);
  const std::vector<std::string> b = lines(theirs);
  const auto missing_in = [](const std::vector<std::string>& all, const std::string& line) {
    return std::find(all.begin(), all.end(), line) == all.end();
  };
  std::string here;
  std::string there;
  for (const std::string& line : a) {
    if (missing_in(b, line)) here += (here.empty() ? "" : "; ") + line;
  }
  for (const std::string& line : b) {
    if (missing_in(a, line)) there += (there.empty() ? "" : "; ") + line;
  }
  if (here.empty() && there.empty()) return "the content of an input file or the measure's version differs";
  return fmt::format("here: {}; there: {}", here.empty() ? "nothing" : here, there.empty() ? "nothing" : there);
}

Header readable_header(const std::string& path) {
  Header header = read_header(path);
  if (header.is_shard) throw BadInput(path + ": error: this is a shard, not an archive; give the archive's path");
  return header;
}

}  // namespace

void check_target(const std::string& archive) {
  std::error_code error;
  const std::filesystem::path path(archive);
  if (std::filesystem::is_directory(path, error)) {
    throw BadInput(archive + ": error: the output is a directory (an archive is a file) give -o a file name");
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder, error)) {
    throw BadInput(fmt::format("{}: error: the output's folder '{}' does not exist; create it or choose another -o",
                               archive, folder.string()));
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw BadInput(fmt::format("{}: error: the output's folder '{}' cannot be written to; choose another -o", archive,
                               folder.string()));
  }
}

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
      fmt::print(stderr, "{}: warning: unreadable shard is left alone, its tasks are done again\n  {}\n", shard,
                 error.what());
      continue;
    }
    join(*header, shard);
    existing.sources.push_back(shard);
    existing.complete_as_it_is = false;
  }
  return existing;
}

void start_over(const std::string& archive) {
  std::filesystem::remove(archive);
  for (const std::string& shard : shard_files(archive)) std::filesystem::remove(shard);
}

}  // namespace meander
