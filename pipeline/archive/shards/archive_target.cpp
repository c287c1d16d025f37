#include "pipeline/archive/shards/archive_target.hpp"

#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;  // as the system's own limit

// What the program adds to an archive's name at most, and what comes behind the name of its shards' folder: the kept
// state of a task, or a shard, as a temporary file with an ending that MPI-IO or a test of it adds.
constexpr std::string_view longest_ending = ".shards";
constexpr std::string_view longest_ending_aside = ".before-999.shards";
constexpr std::size_t below_the_folder = 160;

std::string folder_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

void check_names(const std::string& archive, const std::string& folder, bool aside) {
  const std::string_view ending = aside ? longest_ending_aside : longest_ending;
  const std::size_t name = fs::path(archive).filename().string().size();
  const long limit = ::pathconf(folder.c_str(), _PC_NAME_MAX);
  const std::size_t most_of_name = limit > 0 ? static_cast<std::size_t>(limit) : NAME_MAX;
  if (name + ending.size() > most_of_name) {
    throw BadInput(fmt::format(
        "{}: error: the output's name is too long (it has {} bytes; its folder takes names of {}, and '{}' is "
        "added to it) choose a shorter -o",
        archive, name, most_of_name, ending));
  }
  if (archive.size() + ending.size() + below_the_folder > PATH_MAX) {
    throw BadInput(
        fmt::format("{}: error: the output's path is too long (it has {} bytes, at most {} leave room for the "
                    "names of its shards) choose a shorter -o, or work in a folder nearer to it",
                    archive, archive.size(), PATH_MAX - ending.size() - below_the_folder));
  }
}

}  // namespace

std::string archive_target(const std::string& archive) {
  fs::path path(archive);
  for (int links = 0; links <= most_links; ++links) {
    std::error_code error;
    if (!fs::is_symlink(fs::symlink_status(path, error))) return links == 0 ? archive : path.string();
    const fs::path next = fs::read_symlink(path, error);
    if (error) throw BadInput(fmt::format("{}: error: a link that cannot be read ({})", archive, error.message()));
    path = next.is_absolute() ? next : path.parent_path() / next;
  }
  throw BadInput(archive + ": error: a link that leads round in circles; choose another output");
}

void check_target(const std::string& archive, bool aside) {
  std::error_code error;
  const std::string target = archive_target(archive);
  const std::string folder = folder_of(target);
  if (fs::is_directory(target, error)) {
    throw BadInput(archive + ": error: the output is a directory (an archive is a file) give -o a file name");
  }
  if (!fs::is_directory(folder, error)) {
    throw BadInput(fmt::format("{}: error: the output's folder '{}' does not exist; create it or choose another output",
                               archive, folder));
  }
  check_names(target, folder, aside);
  if (::access(folder.c_str(), W_OK) != 0) {
    throw BadInput(fmt::format("{}: error: the output's folder '{}' cannot be written to; choose another output",
                               archive, folder));
  }
  struct stat there {};
  if (::stat(target.c_str(), &there) != 0) return;
  if (!S_ISREG(there.st_mode)) {
    throw BadInput(archive + ": error: the output is no regular file (a device or a pipe); choose another output");
  }
  // The mode is asked, too: root may write to every file.
  if ((there.st_mode & S_IWUSR) == 0 || ::access(target.c_str(), W_OK) != 0) {
    throw BadInput(
        fmt::format("{}: error: the archive is write-protected (its mode is {:03o}) choose another output, or "
                    "`chmod u+w` it",
                    archive, there.st_mode & 0777U));
  }
}

}  // namespace meander
