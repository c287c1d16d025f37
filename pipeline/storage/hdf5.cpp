#include "pipeline/storage/hdf5.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace meander::hdf5 {
namespace {

bool only_thread = false;

// Before main, and so before MPI starts: opened later, HDF5 would be ended by MPI_Finalize. It is never ended, since
// every object is closed by its owner, and a file whose closing failed (a disk that breaks, a server that is gone)
// would be closed once more, which crashes the program behind its last word.
bool open_library() {
  H5dont_atexit();
  H5open();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  return true;
}
[[maybe_unused]] const bool opened_at_start = open_library();

herr_t collect(unsigned, const H5E_error2_t* entry, void* texts) {
  if (entry->desc == nullptr) return 0;
  std::string text = entry->desc;  // some have the time in them, with a newline
  std::replace(text.begin(), text.end(), '\n', ' ');
  static_cast<std::vector<std::string>*>(texts)->push_back(std::move(text));
  return 0;
}

// The outermost line says what was tried, the innermost one why it failed.
std::string stack_text() {
  std::vector<std::string> lines;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, collect, &lines);
  H5Eclear2(H5E_DEFAULT);
  if (lines.empty()) return "HDF5 gives no reason";
  if (lines.size() == 1 || lines.front() == lines.back()) return lines.front();
  return lines.front() + ": " + lines.back();
}

std::size_t count(std::span<const hsize_t> shape) {
  std::size_t product = 1;
  for (const hsize_t extent : shape) product *= extent;
  return product;
}

Handle small_dataset_properties() {
  Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "dataset properties");
  check(H5Pset_obj_track_times(properties.id(), false), "dataset properties");
  return properties;
}

Handle create_dataset(hid_t parent, const std::string& name, hid_t type, const Handle& space) {
  const Handle properties = small_dataset_properties();
  return Handle(H5Dcreate2(parent, name.c_str(), type, space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT), H5Dclose,
                "dataset '" + name + "'");
}

Handle memory_file_access(bool with_image, std::span<const std::byte> bytes) {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "file access properties");
  check(H5Pset_fapl_core(access.id(), std::size_t{1} << 20, false), "file in memory");
  if (with_image) {
    // HDF5 copies the image and never writes to the given buffer, though its signature is not const.
    check(H5Pset_file_image(access.id(), const_cast<std::byte*>(bytes.data()), bytes.size()), "file in memory");
  }
  return access;
}

// HDF5 tells files in memory apart by name alone, and looks on the disk for one of that name.
std::string memory_name() {
  static std::size_t number = 0;
  return "meander in memory " + std::to_string(number++);
}

std::vector<std::string> read_texts(hid_t space, std::size_t size, auto&& read) {
  const Handle type = text_type();
  std::vector<char*> pointers(size, nullptr);
  read(type.id(), pointers.data());
  std::vector<std::string> texts;
  texts.reserve(size);
  for (const char* text : pointers) texts.emplace_back(text == nullptr ? "" : text);
  H5Dvlen_reclaim(type.id(), space, H5P_DEFAULT, pointers.data());
  return texts;
}

}  // namespace

std::unique_lock<std::recursive_mutex> lock() {
  static std::recursive_mutex mutex;
  std::unique_lock<std::recursive_mutex> held(mutex, std::defer_lock);
  if (!only_thread) held.lock();
  return held;
}

void become_only_thread() {
  only_thread = true;
}

hid_t check(hid_t result, const std::string& what) {
  if (result < 0) throw Error(what + " (" + stack_text() + ")");
  return result;
}

Handle::Handle(hid_t id, Closer closer, std::string what) : id_(id), closer_(closer), what_(std::move(what)) {
  check(id, what_);
}

Handle::~Handle() {
  if (id_ >= 0 && closer_(id_) < 0) H5Eclear2(H5E_DEFAULT);
}

Handle::Handle(Handle&& other) noexcept
    : id_(std::exchange(other.id_, -1)), closer_(other.closer_), what_(std::move(other.what_)) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(closer_, other.closer_);
  std::swap(what_, other.what_);
  return *this;
}

void Handle::close() {
  if (id_ < 0) return;
  check(closer_(std::exchange(id_, -1)), "closing " + what_);
}

Handle unlocked_access() {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "file access properties");
  check(H5Pset_file_locking(access.id(), false, true), "file access properties");
  return access;
}

Handle open_file(const std::string& path, unsigned flags) {
  const Handle access = unlocked_access();
  return Handle(H5Fopen(path.c_str(), flags, access.id()), H5Fclose, "file '" + path + "'");
}

Handle create_in_memory() {
  const Handle access = memory_file_access(false, {});
  return Handle(H5Fcreate(memory_name().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.id()), H5Fclose, "file in memory");
}

std::vector<std::byte> file_image(const Handle& file) {
  check(H5Fflush(file.id(), H5F_SCOPE_GLOBAL), "file in memory");
  const auto size = check(H5Fget_file_image(file.id(), nullptr, 0), "file in memory");
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  check(H5Fget_file_image(file.id(), bytes.data(), bytes.size()), "file in memory");
  return bytes;
}

Handle open_image(std::span<const std::byte> bytes, const std::string& name) {
  const Handle access = memory_file_access(true, bytes);
  return Handle(H5Fopen(memory_name().c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose, "file '" + name + "'");
}

Handle create_group(hid_t parent, const std::string& name) {
  return Handle(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
                "group '" + name + "'");
}

Handle open_group(hid_t parent, const std::string& name) {
  return Handle(H5Gopen2(parent, name.c_str(), H5P_DEFAULT), H5Gclose, "group '" + name + "'");
}

Handle open_dataset(hid_t parent, const std::string& name) {
  return Handle(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), H5Dclose, "dataset '" + name + "'");
}

bool exists(hid_t parent, const std::string& name) {
  return check(H5Lexists(parent, name.c_str(), H5P_DEFAULT), "'" + name + "'") > 0;
}

std::vector<std::string> members(hid_t group) {
  std::vector<std::string> names;
  const auto visit = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  check(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, &names), "members of a group");
  return names;
}

Handle simple_space(std::span<const hsize_t> extents) {
  if (extents.empty()) return Handle(H5Screate(H5S_SCALAR), H5Sclose, "data space");
  return Handle(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose, "data space");
}

Handle dataset_space(hid_t dataset) {
  return Handle(H5Dget_space(dataset), H5Sclose, "data space");
}

std::size_t chunk_bytes(hid_t dataset) {
  const Handle properties(H5Dget_create_plist(dataset), H5Pclose, "dataset properties");
  if (H5Pget_layout(properties.id()) != H5D_CHUNKED) return 0;
  std::array<hsize_t, H5S_MAX_RANK> chunk{};
  const int rank = static_cast<int>(check(H5Pget_chunk(properties.id(), H5S_MAX_RANK, chunk.data()), "chunk"));
  const Handle type(H5Dget_type(dataset), H5Tclose, "type");
  return H5Tget_size(type.id()) * count(std::span(chunk).first(static_cast<std::size_t>(rank)));
}

std::vector<hsize_t> extents(hid_t dataset) {
  const Handle space = dataset_space(dataset);
  const auto rank = check(H5Sget_simple_extent_ndims(space.id()), "data space");
  std::vector<hsize_t> shape(static_cast<std::size_t>(rank));
  if (rank > 0) check(H5Sget_simple_extent_dims(space.id(), shape.data(), nullptr), "data space");
  return shape;
}

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "text type");
  check(H5Tset_size(type.id(), H5T_VARIABLE), "text type");
  check(H5Tset_cset(type.id(), H5T_CSET_UTF8), "text type");
  return type;
}

template <>
hid_t memory_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
hid_t memory_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
hid_t memory_type<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
hid_t memory_type<std::int8_t>() {
  return H5T_NATIVE_INT8;
}
template <>
hid_t memory_type<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}
template <>
hid_t file_type<double>() {
  return H5T_IEEE_F64LE;
}
template <>
hid_t file_type<std::int64_t>() {
  return H5T_STD_I64LE;
}
template <>
hid_t file_type<std::int32_t>() {
  return H5T_STD_I32LE;
}
template <>
hid_t file_type<std::int8_t>() {
  return H5T_STD_I8LE;
}
template <>
hid_t file_type<std::uint8_t>() {
  return H5T_STD_U8LE;
}

void write_text_attribute(hid_t object, const std::string& name, const std::string& text) {
  const Handle type = text_type();
  const Handle space = simple_space({});
  const Handle attribute(H5Acreate2(object, name.c_str(), type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                         "attribute '" + name + "'");
  const char* pointer = text.c_str();
  check(H5Awrite(attribute.id(), type.id(), &pointer), "attribute '" + name + "'");
}

template <class T>
static void write_values(hid_t object, const std::string& name, const T* values, const Handle& space) {
  const Handle attribute(H5Acreate2(object, name.c_str(), file_type<T>(), space.id(), H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, "attribute '" + name + "'");
  check(H5Awrite(attribute.id(), memory_type<T>(), values), "attribute '" + name + "'");
}

void write_attribute(hid_t object, const std::string& name, double value) {
  write_values(object, name, &value, simple_space({}));
}

void write_attribute(hid_t object, const std::string& name, std::int64_t value) {
  write_values(object, name, &value, simple_space({}));
}

template <class T>
void write_attribute(hid_t object, const std::string& name, std::span<const T> values) {
  const hsize_t size = values.size();
  write_values(object, name, values.data(), simple_space(std::span(&size, 1)));
}

bool has_attribute(hid_t object, const std::string& name) {
  return check(H5Aexists(object, name.c_str()), "attribute '" + name + "'") > 0;
}

std::vector<std::string> attribute_names(hid_t object) {
  std::vector<std::string> names;
  const auto visit = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  check(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, &names), "attributes");
  return names;
}

H5T_class_t attribute_class(hid_t object, const std::string& name) {
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "attribute '" + name + "'");
  const Handle type(H5Aget_type(attribute.id()), H5Tclose, "attribute '" + name + "'");
  return H5Tget_class(type.id());
}

std::string read_text_attribute(hid_t object, const std::string& name) {
  const std::string what = "attribute '" + name + "'";
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, what);
  const Handle type(H5Aget_type(attribute.id()), H5Tclose, what);
  const Handle space(H5Aget_space(attribute.id()), H5Sclose, what);
  if (H5Tget_class(type.id()) != H5T_STRING || H5Sget_simple_extent_npoints(space.id()) != 1) {
    throw Error(what + " (not a string)");
  }
  if (check(H5Tis_variable_str(type.id()), what) == 0) {
    std::string text(H5Tget_size(type.id()), '\0');
    check(H5Aread(attribute.id(), type.id(), text.data()), what);
    return text.substr(0, text.find('\0'));
  }
  return read_texts(space.id(), 1, [&](hid_t memory, char** out) { check(H5Aread(attribute.id(), memory, out), what); })
      .front();
}

template <class T>
std::vector<T> read_attribute(hid_t object, const std::string& name) {
  const std::string what = "attribute '" + name + "'";
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, what);
  const Handle space(H5Aget_space(attribute.id()), H5Sclose, what);
  std::vector<T> values(static_cast<std::size_t>(check(H5Sget_simple_extent_npoints(space.id()), what)));
  check(H5Aread(attribute.id(), memory_type<T>(), values.data()), what);
  return values;
}

template <class T>
void write_dataset(hid_t parent, const std::string& name, std::span<const T> values, std::span<const hsize_t> shape) {
  if (values.size() != count(shape)) throw std::logic_error("dataset '" + name + "' has another shape than its values");
  const Handle space = simple_space(shape);
  Handle dataset = create_dataset(parent, name, file_type<T>(), space);
  if (!values.empty()) {
    check(H5Dwrite(dataset.id(), memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
          "dataset '" + name + "'");
  }
  dataset.close();
}

Handle write_text_dataset(hid_t parent, const std::string& name, const std::vector<std::string>& texts) {
  const hsize_t size = texts.size();
  const Handle space = simple_space(std::span(&size, 1));
  const Handle type = text_type();
  Handle dataset = create_dataset(parent, name, type.id(), space);
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  if (!pointers.empty()) {
    check(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()), "dataset '" + name + "'");
  }
  return dataset;
}

template <class T>
std::vector<T> read_dataset(hid_t parent, const std::string& name) {
  const Handle dataset = open_dataset(parent, name);
  std::vector<T> values(count(extents(dataset.id())));
  if (!values.empty()) {
    check(H5Dread(dataset.id(), memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
          "dataset '" + name + "'");
  }
  return values;
}

std::vector<std::string> read_text_dataset(hid_t parent, const std::string& name) {
  const Handle dataset = open_dataset(parent, name);
  const Handle space = dataset_space(dataset.id());
  const std::size_t size = count(extents(dataset.id()));
  if (size == 0) return {};
  return read_texts(space.id(), size, [&](hid_t memory, char** out) {
    check(H5Dread(dataset.id(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out), "dataset '" + name + "'");
  });
}

namespace {

/// Rows begin .. end-1 selected in the space of a dataset, and how many values they have.
Handle select_rows(hid_t dataset, std::size_t begin, std::size_t end, std::size_t& size) {
  Handle space = dataset_space(dataset);
  std::vector<hsize_t> count = extents(dataset);
  if (count.empty()) throw Error("a single number has no rows");
  std::vector<hsize_t> start(count.size(), 0);
  start.front() = begin;
  count.front() = end - begin;
  check(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr), "rows");
  size = meander::hdf5::count(count);
  return space;
}

}  // namespace

template <class T>
std::vector<T> read_rows(hid_t parent, const std::string& name, std::size_t begin, std::size_t end) {
  if (begin == end) return {};
  const Handle dataset = open_dataset(parent, name);
  std::size_t size = 0;
  const Handle space = select_rows(dataset.id(), begin, end, size);
  std::vector<T> values(size);
  if (size == 0) return values;
  const hsize_t flat = size;
  const Handle memory = simple_space(std::span(&flat, 1));
  check(H5Dread(dataset.id(), memory_type<T>(), memory.id(), space.id(), H5P_DEFAULT, values.data()),
        "dataset '" + name + "'");
  return values;
}

std::vector<std::string> read_text_rows(hid_t parent, const std::string& name, std::size_t begin, std::size_t end) {
  if (begin == end) return {};
  const Handle dataset = open_dataset(parent, name);
  std::size_t size = 0;
  const Handle space = select_rows(dataset.id(), begin, end, size);
  const hsize_t flat = size;
  const Handle memory = simple_space(std::span(&flat, 1));
  return read_texts(memory.id(), size, [&](hid_t type, char** out) {
    check(H5Dread(dataset.id(), type, memory.id(), space.id(), H5P_DEFAULT, out), "dataset '" + name + "'");
  });
}

#define MEANDER_HDF5_FOR(T)                                                                                \
  template void write_attribute<T>(hid_t, const std::string&, std::span<const T>);                         \
  template std::vector<T> read_attribute<T>(hid_t, const std::string&);                                    \
  template void write_dataset<T>(hid_t, const std::string&, std::span<const T>, std::span<const hsize_t>); \
  template std::vector<T> read_dataset<T>(hid_t, const std::string&);                                      \
  template std::vector<T> read_rows<T>(hid_t, const std::string&, std::size_t, std::size_t);
MEANDER_HDF5_FOR(double)
MEANDER_HDF5_FOR(std::int64_t)
MEANDER_HDF5_FOR(std::int32_t)
MEANDER_HDF5_FOR(std::int8_t)
MEANDER_HDF5_FOR(std::uint8_t)
#undef MEANDER_HDF5_FOR

}  // namespace meander::hdf5
