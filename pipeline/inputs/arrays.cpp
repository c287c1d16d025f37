// Reads an HDF5 file from memory and writes one through a temporary file, with the error texts that
// a user can act on.
#include "pipeline/inputs/arrays.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "pipeline/storage/hdf5.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

/// An HDF5 identifier that is released at the end of its scope.
class Handle {
 public:
  Handle(hid_t id, herr_t (*release)(hid_t)) : id_(id), release_(release) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) release_(id_);
  }
  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }
  /// Releases now; false where that failed (a file that could not be flushed).
  bool close() { return release_(std::exchange(id_, -1)) >= 0; }

 private:
  hid_t id_;
  herr_t (*release_)(hid_t);
};

struct Object {
  std::string path;
  bool dataset = false;
};

template <class Info>
herr_t collect(hid_t, const char* name, const Info* info, void* data) {
  if (info->type == H5O_TYPE_GROUP || info->type == H5O_TYPE_DATASET) {
    const std::string path = std::strcmp(name, ".") == 0 ? "" : "/" + std::string(name);
    static_cast<std::vector<Object>*>(data)->push_back({path, info->type == H5O_TYPE_DATASET});
  }
  return 0;
}

/// Groups and datasets of the file, in the order of their names; false where it cannot be walked.
bool list_objects(hid_t file, std::vector<Object>& objects) {
#if H5_VERSION_GE(1, 12, 0)
  return H5Ovisit3(file, H5_INDEX_NAME, H5_ITER_INC, collect<H5O_info2_t>, &objects, H5O_INFO_BASIC) >= 0;
#else
  return H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, collect<H5O_info_t>, &objects, H5O_INFO_BASIC) >= 0;
#endif
}

bool is_numeric(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  return kind == H5T_INTEGER || kind == H5T_FLOAT;
}

[[noreturn]] void refuse(const std::string& name, const std::string& what, const std::string& why) {
  throw BadInput(fmt::format("{}: {} cannot be read ({}); write the file again", name, what, why));
}

void read_dataset(hid_t file, const std::string& path, const std::string& name, NamedArrays& out) {
  const Handle dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset.valid()) refuse(name, path, "its description is damaged");
  const Handle type(H5Dget_type(dataset.get()), H5Tclose);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose);
  if (!type.valid() || !space.valid()) refuse(name, path, "its description is damaged");
  if (!is_numeric(type.get())) return;
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 0) refuse(name, path, "its shape is damaged");
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);

  NamedArray array;
  array.shape.assign(extents.begin(), extents.end());
  const auto count = H5Sget_simple_extent_npoints(space.get());
  if (count < 0) refuse(name, path, "its shape is damaged");
  try {
    array.values.resize(static_cast<std::size_t>(count));
  } catch (const std::exception&) {
    refuse(name, path, fmt::format("its {} numbers do not fit in memory", count));
  }
  if (count > 0 && H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data()) < 0) {
    refuse(name, path, "its data are damaged or truncated");
  }
  out.arrays.emplace(path, std::move(array));
}

/// A string attribute of fixed or variable length; false where HDF5 cannot read it.
bool read_text(hid_t attribute, hid_t type, std::string& out) {
  if (H5Tis_variable_str(type) > 0) {
    const Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(memory.get(), H5T_VARIABLE);
    H5Tset_cset(memory.get(), H5Tget_cset(type));
    char* text = nullptr;
    if (H5Aread(attribute, memory.get(), &text) < 0) return false;
    out = text == nullptr ? "" : text;
    H5free_memory(text);
    return true;
  }
  std::string fixed(H5Tget_size(type), '\0');
  if (H5Aread(attribute, type, fixed.data()) < 0) return false;
  fixed.resize(std::min(fixed.find('\0'), fixed.size()));
  if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) fixed.erase(fixed.find_last_not_of(' ') + 1);
  out = fixed;
  return true;
}

void read_attribute(hid_t object, hsize_t index, const std::string& group, const std::string& name, NamedArrays& out) {
  const Handle attribute(H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, index, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
  if (!attribute.valid())
    refuse(name, "an attribute of " + (group.empty() ? "/" : group), "its description is damaged");
  std::string bare(static_cast<std::size_t>(H5Aget_name(attribute.get(), 0, nullptr)), '\0');
  H5Aget_name(attribute.get(), bare.size() + 1, bare.data());
  const std::string path = group.empty() ? bare : group + "/" + bare;

  const Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const Handle space(H5Aget_space(attribute.get()), H5Sclose);
  const auto count = H5Sget_simple_extent_npoints(space.get());
  if (H5Tget_class(type.get()) == H5T_STRING && count == 1) {
    if (!read_text(attribute.get(), type.get(), out.texts[path]))
      refuse(name, "attribute " + path, "its data are damaged");
  } else if (is_numeric(type.get()) && count >= 0) {
    std::vector<double> numbers(static_cast<std::size_t>(count));
    if (H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, numbers.data()) < 0) {
      refuse(name, "attribute " + path, "its data are damaged");
    }
    std::vector<std::int64_t> whole;
    for (const double number : numbers) {
      // MATLAB and R write whole numbers as doubles.
      if (number == std::nearbyint(number) && std::abs(number) < 0x1p53)
        whole.push_back(static_cast<std::int64_t>(number));
    }
    if (whole.size() == numbers.size()) {
      out.integers.emplace(path, std::move(whole));
    } else {
      out.other_attributes.insert(path);
    }
  } else {
    out.other_attributes.insert(path);
  }
}

void read_attributes(hid_t file, const std::string& group, const std::string& name, NamedArrays& out) {
  const Handle object(H5Oopen(file, group.empty() ? "/" : group.c_str(), H5P_DEFAULT), H5Oclose);
  const int count = object.valid() ? H5Aget_num_attrs(object.get()) : -1;
  if (count < 0) refuse(name, group.empty() ? "/" : group, "the group is damaged");
  for (int i = 0; i < count; ++i) read_attribute(object.get(), static_cast<hsize_t>(i), group, name, out);
}

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

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string(what) + " could not be written");
}

void write_dataset(hid_t file, const std::string& path, const NamedArray& array) {
  const std::vector<hsize_t> extents(array.shape.begin(), array.shape.end());
  const Handle space(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose);
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation.get(), false);
  const Handle dataset(
      H5Dcreate2(file, path.c_str(), H5T_IEEE_F64LE, space.get(), links.get(), creation.get(), H5P_DEFAULT), H5Dclose);
  require(dataset.valid() &&
              H5Dwrite(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data()) >= 0,
          path.c_str());
}

/// The object that holds attribute `path`, and the attribute's bare name.
std::pair<std::string, std::string> split(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {"/", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

void write_text(hid_t file, const std::string& path, const std::string& text) {
  const auto [object, bare] = split(path);
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute(H5Acreate_by_name(file, object.c_str(), bare.c_str(), type.get(), space.get(), H5P_DEFAULT,
                                           H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
  const char* data = text.c_str();
  require(attribute.valid() && H5Awrite(attribute.get(), type.get(), &data) >= 0, path.c_str());
}

void write_integers(hid_t file, const std::string& path, const std::vector<std::int64_t>& values) {
  const auto [object, bare] = split(path);
  const hsize_t extent = values.size();
  const Handle space(H5Screate_simple(1, &extent, nullptr), H5Sclose);
  const Handle attribute(H5Acreate_by_name(file, object.c_str(), bare.c_str(), H5T_STD_I64LE, space.get(), H5P_DEFAULT,
                                           H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
  require(attribute.valid() && H5Awrite(attribute.get(), H5T_NATIVE_INT64, values.data()) >= 0, path.c_str());
}

/// The groups that the datasets do not bring along: those asked for, and those of attributes.
std::set<std::string> groups_to_make(const NamedArrays& arrays) {
  std::set<std::string> made;
  const auto add_parents = [&made](std::string path) {
    for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0; slash = path.rfind('/')) {
      path.resize(slash);
      made.insert(path);
    }
  };
  std::set<std::string> wanted = arrays.groups;
  for (const auto& [path, text] : arrays.texts) wanted.insert(split(path).first);
  for (const auto& [path, values] : arrays.integers) wanted.insert(split(path).first);
  for (const auto& [path, array] : arrays.arrays) add_parents(path);
  std::set<std::string> out;
  for (const std::string& path : wanted) {  // parents before children
    if (path == "/" || arrays.find(path) != nullptr || !made.insert(path).second) continue;
    add_parents(path);
    out.insert(path);
  }
  return out;
}

void write_group(hid_t file, const std::string& path) {
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  const Handle group(H5Gcreate2(file, path.c_str(), links.get(), H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  require(group.valid(), path.c_str());
}

void write_file(const std::string& path, const NamedArrays& arrays) {
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  require(file.valid(), "the file");
  for (const auto& [name, array] : arrays.arrays) write_dataset(file.get(), name, array);
  for (const std::string& group : groups_to_make(arrays)) write_group(file.get(), group);
  for (const auto& [name, text] : arrays.texts) write_text(file.get(), name, text);
  for (const auto& [name, values] : arrays.integers) write_integers(file.get(), name, values);
  require(file.close(), "the file's last part");
}

void force_to_disk(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  const bool done = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  require(done, "the file's last part");
}

}  // namespace

const NamedArray* NamedArrays::find(const std::string& path) const {
  const auto found = arrays.find(path);
  return found == arrays.end() ? nullptr : &found->second;
}

NamedArrays read_arrays(std::span<const std::byte> file, const std::string& name) {
  const auto guard = hdf5::lock();
  const hdf5::Handle image = open(file, name);
  std::vector<Object> objects;
  if (!list_objects(image.id(), objects)) refuse(name, "the list of its datasets", "the file is damaged");
  NamedArrays out;
  for (const Object& object : objects) {
    if (object.dataset) {
      read_dataset(image.id(), object.path, name, out);
    } else {
      if (!object.path.empty()) out.groups.insert(object.path);
      read_attributes(image.id(), object.path, name, out);
    }
  }
  return out;
}

std::string filetype_of(const std::string& path) {
  const auto guard = hdf5::lock();
  if (H5Fis_hdf5(path.c_str()) <= 0) return "";
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!file.valid() || H5Aexists(file.get(), "filetype") <= 0) return "";
  const Handle attribute(H5Aopen(file.get(), "filetype", H5P_DEFAULT), H5Aclose);
  const Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const Handle space(H5Aget_space(attribute.get()), H5Sclose);
  std::string text;
  if (H5Tget_class(type.get()) != H5T_STRING || H5Sget_simple_extent_npoints(space.get()) != 1) return "";
  return read_text(attribute.get(), type.get(), text) ? text : "";
}

void write_arrays(const std::string& path, const NamedArrays& arrays) {
  const auto guard = hdf5::lock();
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  errno = 0;
  try {
    write_file(temporary, arrays);
    force_to_disk(temporary);
    require(std::rename(temporary.c_str(), path.c_str()) == 0, "the file's name");
  } catch (const std::exception& error) {
    const std::string why = errno != 0 ? std::strerror(errno) : "HDF5 gives no reason";
    std::remove(temporary.c_str());
    throw std::runtime_error(
        fmt::format("{}: {} ({}); check that the folder exists, can be written and has room", path, error.what(), why));
  }
}

}  // namespace meander
