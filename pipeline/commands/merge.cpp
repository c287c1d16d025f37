#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/archive/format/provenance.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/shards/archive_lock.hpp"
#include "pipeline/archive/shards/archive_target.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "pipeline/commands/commands.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/ranks/mpi_session.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

Header read_with_warning(const std::string& path) {
  Header header = read_header(path);
  if (!header.warning.empty()) print_error("{}\n", header.warning);
  return header;
}

void refuse_to_overwrite(const std::string& out) {
  if (!std::filesystem::exists(out)) return;
  throw BadInput(
      out +
      ": error: the output exists (merge never overwrites) choose another name or remove it, or join what is "
      "there with the others by --update");
}

/// Joins the sources; the caller holds the output's lock.
void join(const std::string& out, const std::vector<std::string>& sources, const std::string& started) {
  Header first = read_with_warning(sources.front());
  Study study = first.study;
  Layout layout = first.layout;
  std::string history = "merged " + sources.front();
  for (std::size_t i = 1; i < sources.size(); ++i) {
    const Header next = read_with_warning(sources[i]);
    if (next.study.identity() != study.identity()) {
      throw BadInput(
          fmt::format("{}: error: not of the same study as {} (measure, seed, settings or input content differ) "
                      "merge joins parts of one study only",
                      sources[i], sources.front()));
    }
    study = unite(study, next.study);
    layout = unite(layout, next.layout);
    history += ", " + sources[i];
  }
  write_archive(MPI_COMM_SELF, out, study, layout, sources,
                provenance(MPI_COMM_SELF, started, history, first.attributes));
}

}  // namespace

int merge_command(const MergeArguments& arguments) {
  let_readers_go();
  MpiSession mpi(0, nullptr);
  if (const int ranks = size_of(MPI_COMM_WORLD); ranks > 1) {
    if (rank_of(MPI_COMM_WORLD) == 0)
      print_error("merge: error: started on {} ranks (it takes one) start it without mpirun\n", ranks);
    mpi.finish();
    return exit_bad_input;
  }
  const std::string started = utc_now();
  const std::string& out = arguments.out;
  check_target(out, false);
  if (!arguments.update) refuse_to_overwrite(out);
  for (const std::string& source : arguments.in) static_cast<void>(read_header(source));  // before the disk is touched
  ArchiveLock lock(out);
  std::vector<std::string> sources = arguments.in;
  try {
    // Looked at again: a run that held the lock may have written it since.
    if (!arguments.update) refuse_to_overwrite(out);
    if (std::filesystem::exists(out)) sources.insert(sources.begin(), out);
    join(out, sources, started);
  } catch (...) {
    lock.remove();
    throw;
  }
  lock.remove();
  print_output("{}: joined {} archives\n", out, sources.size());
  mpi.finish();
  return exit_done;
}

}  // namespace meander
