#include <fmt/format.h>

#include <filesystem>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/archive/format/provenance.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "pipeline/commands/commands.hpp"
#include "pipeline/ranks/mpi_session.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

Header read_with_warning(const std::string& path) {
  Header header = read_header(path);
  if (!header.warning.empty()) print_error("{}\n", header.warning);
  return header;
}

}  // namespace

int merge_command(const MergeArguments& arguments) {
  ignore_broken_pipes();
  MpiSession mpi(0, nullptr);
  const std::string started = utc_now();
  if (std::filesystem::exists(arguments.out)) {
    throw BadInput(arguments.out +
                   ": error: the output exists (merge never overwrites) choose another name or remove it");
  }
  Header first = read_with_warning(arguments.in.front());
  Study study = first.study;
  Layout layout = first.layout;
  std::string history = "merged " + arguments.in.front();
  for (std::size_t i = 1; i < arguments.in.size(); ++i) {
    const Header next = read_with_warning(arguments.in[i]);
    if (next.study.identity() != study.identity()) {
      throw BadInput(
          fmt::format("{}: error: not of the same study as {} (measure, seed, settings or input content differ) "
                      "merge joins parts of one study only",
                      arguments.in[i], arguments.in.front()));
    }
    study = unite(study, next.study);
    layout = unite(layout, next.layout);
    history += ", " + arguments.in[i];
  }
  write_archive(MPI_COMM_SELF, arguments.out, study, layout, arguments.in,
                provenance(MPI_COMM_SELF, started, history, first.attributes));
  print_output("{}: joined {} archives\n", arguments.out, arguments.in.size());
  mpi.finish();
  return exit_done;
}

}  // namespace meander
