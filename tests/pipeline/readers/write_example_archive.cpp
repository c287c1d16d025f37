// Writes the archive that open_archive.py reads: `point` pairs, text coordinates, a failed and a
// missing cell.
#include <mpi.h>

#include <cstdio>
#include <exception>

#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "tests/support/archive_fixture.hpp"

namespace {

meander::Value point(double sigma_w, std::int64_t width) {
  meander::Table table;
  table.set("sigma_w", sigma_w);
  table.set("width", width);
  return table;
}

meander::Value piecewise() {
  meander::Table table;
  table.set("breakpoints", meander::List{-1.0, 1.0});
  table.set("slopes", meander::List{0.0, 1.0, 0.0});
  return table;
}

void write(const std::string& path) {
  using namespace meander;
  using namespace meander::archive_testing;
  Study study = small_study();
  study.sweep = {{"point", {point(0.5, 4), point(1.5, 8), point(2.5, 16)}}, {"activation", {"relu", piecewise()}}};
  Layout layout = small_layout();
  layout.families[1].over = std::vector<std::string>{"point"};
  std::vector<Record> records;
  for (std::size_t cell = 0; cell < CellSpace(study, layout.families[0]).size(); ++cell) {
    if (cell == 7) continue;
    Record record = cell == 3 ? failed_record_of(layout, cell, "out of memory: 3 GiB")
                              : example_record(layout, cell, 10.0 * static_cast<double>(cell) + 0.5);
    records.push_back(std::move(record));
  }
  for (std::size_t cell = 0; cell < 3; ++cell) {
    Results results(layout.families[1]);
    results.set("q_star", 0.25 * static_cast<double>(cell));
    Record record;
    std::move(results).fill(record);
    record.family = 1;
    record.cell = cell;
    records.push_back(std::move(record));
  }
  const std::string shard = write_shard(path, 0, study, layout, records);
  std::filesystem::remove(path);  // of an earlier run of the tests: no source of this one
  write_archive(MPI_COMM_SELF, path, study, layout, {shard}, some_attributes());
  std::filesystem::remove_all(shard_folder(path));
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int code = 0;
  try {
    write(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    code = 1;
  }
  MPI_Finalize();
  return code;
}
