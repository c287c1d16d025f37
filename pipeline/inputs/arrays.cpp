// Reads an HDF5 file from memory, after a survey of all that it holds.
#include "pipeline/inputs/arrays.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <functional>
#include <map>
#include <new>
#include <string_view>
#include <utility>

#include "pipeline/inputs/survey.hpp"
#include "pipeline/storage/contained.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

/// Of doubles that are read at once; the parent of a child that reads hears of each piece.
constexpr std::size_t piece_numbers = std::size_t{1} << 22;
/// Of HDF5 itself while it reads, beside the file, the numbers and a few chunks.
constexpr double own_memory = 256.0 * (1 << 20);

using Beat = std::function<void()>;

hdf5::Handle open(std::span<const std::byte> file, const std::string& name) {
  try {
    if (!file.empty()) return hdf5::open_image(file, name);
  } catch (const hdf5::Error&) {
    // HDF5's own reason is a stack of internal calls.
  }
  throw BadInput(
      fmt::format("{}: not an HDF5 file, or a truncated one ({} bytes were read); write it again, with h5py for "
                  "instance",
                  name, file.size()));
}

/// Rows of the first dimension to read at once: whole chunks, so that none is decompressed twice.
hsize_t rows_at_once(hid_t dataset, const FoundArray& found) {
  const hsize_t rows = found.shape[0];
  const hsize_t row = std::max<hsize_t>(1, found.count / rows);
  hsize_t chunk = 1;
  const hdf5::Handle creation(H5Dget_create_plist(dataset), H5Pclose, "how it is stored");
  if (H5Pget_layout(creation.id()) == H5D_CHUNKED) {
    std::vector<hsize_t> extents(found.shape.size());
    hdf5::check(H5Pget_chunk(creation.id(), static_cast<int>(extents.size()), extents.data()), "chunks");
    chunk = std::max<hsize_t>(1, extents[0]);
  }
  const hsize_t chunks = std::max<hsize_t>(1, piece_numbers / row / chunk);
  return std::min(rows, chunk * chunks);
}

void read_numbers(hid_t file, const FoundArray& found, std::vector<double>& values, const Beat& beat) {
  const hdf5::Handle dataset(H5Oopen_by_addr(file, found.address), H5Oclose, "dataset");
  values.resize(found.count);
  if (found.count == 0) return;
  if (found.shape.empty()) {
    hdf5::check(H5Dread(dataset.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "numbers");
    return;
  }
  const hdf5::Handle space = hdf5::dataset_space(dataset.id());
  const hsize_t rows = found.shape[0];
  const hsize_t step = rows_at_once(dataset.id(), found);
  std::vector<hsize_t> start(found.shape.size(), 0);
  std::vector<hsize_t> count(found.shape.begin(), found.shape.end());
  for (hsize_t begin = 0; begin < rows; begin += step) {
    start[0] = begin;
    count[0] = std::min(step, rows - begin);
    hdf5::check(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr), "rows");
    const hdf5::Handle memory = hdf5::simple_space(count);
    double* to = values.data() + begin * (found.count / rows);
    hdf5::check(H5Dread(dataset.id(), H5T_NATIVE_DOUBLE, memory.id(), space.id(), H5P_DEFAULT, to), "numbers");
    beat();
  }
}

/// `ready` hears what the survey found before a number is read.
NamedArrays read_all(std::span<const std::byte> file, const std::string& name,
                     const std::function<void(const Survey&)>& ready, const Beat& beat) {
  const hdf5::Handle image = open(file, name);
  Survey survey = survey_of(image.id(), file.size(), name);
  ready(survey);
  NamedArrays out = std::move(survey.named);
  std::map<haddr_t, const NamedArray*> known;
  for (FoundArray& found : survey.arrays) {
    NamedArray array;
    if (const auto same = known.find(found.address); same != known.end()) {
      array = *same->second;
    } else {
      try {
        read_numbers(image.id(), found, array.values, beat);
      } catch (const hdf5::Error&) {
        refuse_part(name, found.path, "its data are damaged or truncated");
      }
      array.shape = std::move(found.shape);
    }
    const auto placed = out.arrays.emplace(found.path, std::move(array)).first;
    known.emplace(found.address, &placed->second);
  }
  return out;
}

/// True where HDF5 would take the bytes for a file of its own, which may begin behind something else.
bool looks_like_hdf5(std::span<const std::byte> file) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  for (std::size_t at = 0; at + signature.size() <= file.size(); at = at == 0 ? 512 : 2 * at) {
    if (std::equal(signature.begin(), signature.end(), file.begin() + static_cast<std::ptrdiff_t>(at),
                   [](char c, std::byte b) { return static_cast<std::byte>(c) == b; })) {
      return true;
    }
  }
  return false;
}

}  // namespace

const NamedArray* NamedArrays::find(const std::string& path) const {
  const auto found = arrays.find(path);
  if (found != arrays.end()) return &found->second;
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    if (const auto other = others.find(path.substr(0, end)); other != others.end()) throw BadInput(other->second);
    if (end == std::string::npos) return nullptr;
  }
}

NamedArrays read_arrays(std::span<const std::byte> file, const std::string& name) {
  const auto guard = hdf5::lock();
  return read_all(
      file, name, [](const Survey&) {}, [] {});
}

std::optional<std::string> try_arrays(std::span<const std::byte> file, const std::string& name, int seconds) {
  if (!looks_like_hdf5(file)) return std::nullopt;
  const Contained child = in_child(
      [&](const Say& say) {
        const double image = 3.0 * static_cast<double>(file.size());
        limit_memory(image + own_memory);
        try {
          static_cast<void>(read_all(
              file, name,
              [&](const Survey& survey) {
                say("");
                limit_memory(survey.bytes + 3.0 * survey.largest_chunk + own_memory);
              },
              [&] { say(""); }));
        } catch (const BadInput& error) {
          say(error.what());
        } catch (const std::bad_alloc&) {
          say(name + ": asks for more memory than its numbers take, or than there is; write the file again");
        }
      },
      {.seconds = 60, .processor_seconds = seconds});
  if (!child.lines.empty()) return child.lines.front();
  if (child.crashed) {
    return name + ": cannot be read (HDF5 crashes or hangs on it: the file is damaged); write the file again";
  }
  return std::nullopt;  // also where no process can be started
}

std::string filetype_of(const std::string& path) {
  const Contained child = in_child(
      [&](const Say& say) {
        const hdf5::Handle file = hdf5::open_file(path);
        if (hdf5::has_attribute(file.id(), "filetype")) say(hdf5::read_text_attribute(file.id(), "filetype"));
      },
      {.seconds = 60, .processor_seconds = 5});
  return child.lines.empty() ? "" : child.lines.front();
}

}  // namespace meander
