// A small archive with every kind of array, to be damaged.
#pragma once

#include <string>

#include "fuzz_folder.hpp"
#include "pipeline/archive/write/archive_writer.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "tests/support/archive_fixture.hpp"

namespace meander::fuzzing {

/// Without its seal. Starts MPI, which writing needs and reading does not.
inline std::string example_archive(const Folder& folder) {
  MPI_Init(nullptr, nullptr);
  const Study study = archive_testing::small_study({4, 8}, {0.5, 1.5}, 2);
  const Layout layout = archive_testing::small_layout(2);
  const std::string shard =
      archive_testing::write_shard(folder / "a.h5", 0, study, layout, archive_testing::all_records(study, layout));
  write_archive(MPI_COMM_SELF, folder / "a.h5", study, layout, {shard}, archive_testing::some_attributes());
  const std::string sealed = archive_testing::content(folder / "a.h5");
  return sealed.substr(0, sealed.size() - 80);
}

}  // namespace meander::fuzzing
