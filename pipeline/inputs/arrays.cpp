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

bool is_numeric(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  return kind == H5T_INTEGER || kind == H5T_FLOAT;
}

[[noreturn]] void refuse(const std::string& name, const std::string& what, const std::string& why) {
  throw BadInput(fmt::format("{}: {} cannot be read ({}); write the file again", name, what, why));
}

void read_dataset(hid_t dataset, const std::string& path, const std::string& name, NamedArrays& out) {
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  if (!type.valid() || !space.valid()) refuse(name, path, "its description is damaged");
  if (!is_numeric(type.get())) {
    out.others.insert(path);
    return;
  }
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
  if (count > 0 && H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data()) < 0) {
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

void read_attributes(hid_t group, const std::string& path, const std::string& name, NamedArrays& out) {
  const int count = H5Aget_num_attrs(group);
  if (count < 0) refuse(name, path.empty() ? "/" : path, "the group is damaged");
  for (int i = 0; i < count; ++i) read_attribute(group, static_cast<hsize_t>(i), path, name, out);
}

herr_t follow_no_file(const char*, const char*, const char*, const char*, unsigned*, hid_t, void*) {
  return -1;
}

/// Walks a file name by name: what has two names is there twice, as its writer meant it.
class Walk {
 public:
  Walk(const std::string& name, NamedArrays& out)
      : name_(name), out_(out), links_(H5Pcreate(H5P_LINK_ACCESS), H5Pclose) {
    H5Pset_elink_cb(links_.get(), follow_no_file, nullptr);
  }

  /// The group at `path` (empty: the root) and what lies in it.
  void group(hid_t group, const std::string& path, int depth) {
    if (depth > deepest) refuse(name_, path, "groups in groups without end: a link leads back to where it comes from");
    read_attributes(group, path, name_, out_);
    H5G_info_t info;
    if (H5Gget_info(group, &info) < 0) refuse(name_, path.empty() ? "/" : path, "the group is damaged");
    for (hsize_t i = 0; i < info.nlinks; ++i) {
      if (++seen_ > most) refuse(name_, path, fmt::format("more than {} names", most));
      const ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
      if (length < 0) refuse(name_, path.empty() ? "/" : path, "the group is damaged");
      std::string bare(static_cast<std::size_t>(length), '\0');
      H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, bare.data(), bare.size() + 1, H5P_DEFAULT);
      link(group, bare, path + "/" + bare, depth);
    }
  }

 private:
  static constexpr int deepest = 64;
  static constexpr int most = 1 << 18;

  void link(hid_t parent, const std::string& bare, const std::string& path, int depth) {
    const Handle object(H5Oopen(parent, bare.c_str(), links_.get()), H5Oclose);
    if (!object.valid()) {
      H5L_info_t info;
      const bool leads_elsewhere =
          H5Lget_info(parent, bare.c_str(), &info, H5P_DEFAULT) >= 0 && info.type != H5L_TYPE_HARD;
      if (!leads_elsewhere) refuse(name_, path, "its description is damaged");
      out_.others.insert(path);
      return;
    }
    switch (H5Iget_type(object.get())) {
      case H5I_DATASET:
        return read_dataset(object.get(), path, name_, out_);
      case H5I_GROUP:
        out_.groups.insert(path);
        return group(object.get(), path, depth + 1);
      default:
        out_.others.insert(path);
    }
  }

  const std::string& name_;
  NamedArrays& out_;
  Handle links_;
  int seen_ = 0;
};

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
  const Handle root(H5Gopen2(image.id(), "/", H5P_DEFAULT), H5Gclose);
  if (!root.valid()) refuse(name, "/", "the file is damaged");
  NamedArrays out;
  Walk(name, out).group(root.get(), "", 0);
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
