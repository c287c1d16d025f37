#include "pipeline/archive/write/merge.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "pipeline/archive/shards/archive_target.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/write/archive_writer.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

// Leftovers of processes that were killed while they wrote a shard; whoever writes the archive is
// the only one at work on it.
void tidy(const std::string& out) {
  remove_stale_temporaries(out);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(shard_folder(out), ignored)) {
    if (is_temporary(entry.path().filename().string())) std::filesystem::remove(entry.path(), ignored);
  }
}

bool is_among(const std::vector<std::string>& sources, const std::string& file) {
  std::error_code ignored;
  return std::any_of(sources.begin(), sources.end(), [&](const std::string& source) {
    return source == file || std::filesystem::equivalent(source, file, ignored);
  });
}

// Throws where what stands at `out` may not be replaced: it is none of the sources, or another file than when they
// began to be read, so that what it holds would be lost; or it was write-protected meanwhile.
void require_unchanged(const std::string& out, const FileStamp& before, const std::vector<std::string>& sources) {
  if (stamp_of(out) != before || (before.there && !is_among(sources, out))) {
    throw std::runtime_error("what stands there was replaced while this one was made: another run or merge wrote it");
  }
  struct stat there {};
  if (::stat(out.c_str(), &there) == 0 && (there.st_mode & S_IWUSR) == 0) {
    throw std::runtime_error("it was write-protected meanwhile");
  }
}

}  // namespace

void write_archive(MPI_Comm comm, const std::string& name, const Study& study, const Layout& layout,
                   const std::vector<std::string>& sources, const Attributes& attributes) {
  std::string out;
  FileStamp before;
  on_root(comm, [&] {
    out = archive_target(name);
    before = stamp_of(out);
  });
  broadcast(comm, out);
  std::string temporary;
  together(comm, [&] { temporary = temporary_name(out); });
  broadcast(comm, temporary);
  const auto give_up = [&] {
    if (rank_of(comm) == 0) std::remove(temporary.c_str());
  };
  try {
    write_archive_file(comm, temporary, study, layout, sources, attributes);
    on_root(comm, [&] {
      require_unchanged(out, before, sources);
      seal_and_rename(temporary, out);
    });
  } catch (const BadInput&) {
    give_up();
    throw;
  } catch (const std::exception& error) {
    give_up();
    // Every rank is here, of the same failure.
    throw Agreed<std::runtime_error>(
        out + ": error: the archive could not be written (" + error.what() +
        ") nothing that was there is changed; make room or choose another place, and run again");
  }
  on_root(comm, [&] { tidy(out); });
}

}  // namespace meander
