// Writes an HDF5 file through a temporary one, with the error texts that a user can act on.
#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "pipeline/inputs/arrays.hpp"
#include "pipeline/storage/hdf5.hpp"

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
  const hdf5::Handle access = hdf5::unlocked_access();
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.id()), H5Fclose);
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
