#include "pipeline/archive/read/trial_read.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/read/archive_reader.hpp"
#include "pipeline/storage/contained.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

// Of numbers to their bytes in the file; gzip reaches half of this on zeros.
constexpr double largest_ratio = 2000.0;

// Called after each piece, so that somebody who listens knows that there is progress.
using Beat = std::function<void()>;

// Reads a dataset in pieces along its first dimension, whatever its type.
void read_through(hid_t file, const std::string& name, const Beat& beat) {
  // Another program may have added a group.
  const hdf5::Handle member(H5Oopen(file, name.c_str(), H5P_DEFAULT), H5Oclose, "member '" + name + "'");
  if (H5Iget_type(member.id()) != H5I_DATASET) return;
  const hdf5::Handle dataset = hdf5::open_dataset(file, name);
  const hdf5::Handle type(H5Dget_type(dataset.id()), H5Tclose, "its type");
  if (H5Tis_variable_str(type.id()) > 0) {
    static_cast<void>(hdf5::read_text_dataset(file, name));
    return;
  }
  const std::vector<hsize_t> shape = hdf5::extents(dataset.id());
  if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) return;
  // A damaged shape may claim more than could be read in years.
  double claimed = static_cast<double>(H5Tget_size(type.id()));
  for (const hsize_t extent : shape) claimed *= static_cast<double>(extent);
  if (claimed > largest_ratio * static_cast<double>(H5Dget_storage_size(dataset.id())) + 1e8) {
    throw hdf5::Error("its shape is far larger than what is stored");
  }
  const hdf5::Handle space = hdf5::dataset_space(dataset.id());
  std::size_t row = H5Tget_size(type.id());
  for (std::size_t d = 1; d < shape.size(); ++d) row *= shape[d];
  const hsize_t rows = shape.empty() ? 1 : shape[0];
  const hsize_t step = std::clamp<hsize_t>((std::size_t{16} << 20) / std::max<std::size_t>(row, 1), 1, rows);
  std::vector<std::byte> buffer(step * row);
  for (hsize_t begin = 0; begin < rows; begin += step) {
    std::vector<hsize_t> count = shape;
    std::vector<hsize_t> start(shape.size(), 0);
    if (!shape.empty()) {
      start[0] = begin;
      count[0] = std::min(step, rows - begin);
      hdf5::check(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr), name);
    }
    const hdf5::Handle memory = hdf5::simple_space(count);
    hdf5::check(H5Dread(dataset.id(), type.id(), memory.id(), space.id(), H5P_DEFAULT, buffer.data()), name);
    beat();
  }
}

void check_field(hid_t file, const Field& field, std::vector<std::string>& problems) {
  if (!hdf5::exists(file, field.name)) {
    problems.push_back("array '" + field.name + "' is missing");
    return;
  }
  const hdf5::Handle dataset = hdf5::open_dataset(file, field.name);
  const std::vector<hsize_t> shape = hdf5::extents(dataset.id());
  std::vector<hsize_t> expected;
  for (const std::string& name : field.dimensions) {
    if (!hdf5::exists(file, name)) {
      problems.push_back("dimension '" + name + "' is missing");
      return;
    }
    expected.push_back(hdf5::extents(hdf5::open_dataset(file, name).id()).at(0));
  }
  if (shape != expected) problems.push_back("array '" + field.name + "' has another shape than its dimensions");
}

// The dimensions by the study, the fields by the layout.
void check_structure(hid_t file, const Header& header, std::vector<std::string>& problems) {
  for (const SweepDimension& dimension : header.study.sweep) {
    const bool right =
        hdf5::exists(file, dimension.name) &&
        hdf5::extents(hdf5::open_dataset(file, dimension.name).id()) == std::vector<hsize_t>{dimension.values.size()};
    if (!right) problems.push_back("dimension '" + dimension.name + "' does not have the study's values");
  }
  for (std::size_t f = 0; f < header.layout.families.size(); ++f) {
    for (const Field& field : family_fields(header.study, header.layout, f)) check_field(file, field, problems);
  }
}

void inspect(const std::string& path, TrialReport& report, const Beat& beat) {
  try {
    const hdf5::Handle file = hdf5::open_file(path);
    const Header header = read_file_header(file.id(), path);
    if (header.is_shard) throw BadInput(path + ": error: a shard, not an archive; give the archive's path");
    for (const std::string& name : hdf5::members(file.id())) {
      try {
        read_through(file.id(), name, beat);
        ++report.arrays;
      } catch (const hdf5::Error& error) {
        report.problems.push_back("array '" + name + "' cannot be read: " + error.what());
      }
    }
    check_structure(file.id(), header, report.problems);
    if (report.problems.empty()) ArchiveReader(path).check_bookkeeping();
  } catch (const std::exception& error) {
    report.problems.emplace_back(error.what());
  }
}

}  // namespace

TrialReport trial_read(const std::string& path) {
  const auto held = hdf5::lock();
  TrialReport report;
  inspect(path, report, [] {});
  return report;
}

TrialReport trial_read_in_child(const std::string& path) {
  Contained child = in_child([&path](const Say& say) {
    TrialReport report;
    inspect(path, report, [&say] { say(""); });
    for (const std::string& problem : report.problems) say(problem);
  });
  if (!child.started) {
    return {{"which arrays are damaged could not be found out (no process can be started)"}, 0, false};
  }
  TrialReport report{std::move(child.lines), 0, child.crashed};
  if (report.crashed) {
    report.problems.emplace_back("HDF5 crashes or hangs on the damaged file, so that not every array could be tried");
  }
  return report;
}

}  // namespace meander
