// Thin owners of HDF5 objects: move-only, closed by destructors that never throw or by close() that
// does; a failed call becomes an exception with the text of HDF5's own error stack.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace meander::hdf5 {

/// A call into HDF5 failed; the message says which object and why.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Debian's parallel HDF5 is not thread-safe: whoever calls HDF5 while a ShardWriter may be alive
/// holds this lock.
[[nodiscard]] std::unique_lock<std::recursive_mutex> lock();

/// In a child that was forked while the lock was held: it has one thread, which is not the one that holds the lock, so
/// that `lock` must not wait from here on.
void become_only_thread();

/// Throws Error where `result` is negative, else returns it. `what` is the thing that was attempted.
hid_t check(hid_t result, const std::string& what);

/// Any HDF5 object and the function that closes it.
class Handle {
 public:
  using Closer = herr_t (*)(hid_t);

  Handle() = default;
  /// Takes over `id`; throws Error where it is negative.
  Handle(hid_t id, Closer closer, std::string what);
  ~Handle();
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  /// Closes the object and throws Error where that fails (which is where a full disk shows).
  void close();
  hid_t id() const { return id_; }

 private:
  hid_t id_ = -1;
  Closer closer_ = nullptr;
  std::string what_;
};

/// Properties of access to files without HDF5's own locks, which some file systems refuse (NFS without lockd, DVS): the
/// archive's lock guards what is written here. The environment's HDF5_USE_FILE_LOCKING overrides them.
Handle unlocked_access();
/// An existing file, for reading or, with H5F_ACC_RDWR, for writing.
Handle open_file(const std::string& path, unsigned flags = H5F_ACC_RDONLY);
/// A new file that lives in memory only; `file_image` gives its bytes.
Handle create_in_memory();
std::vector<std::byte> file_image(const Handle& file);
/// A file held in memory, for reading. `name` is for messages; the bytes are copied.
Handle open_image(std::span<const std::byte> bytes, const std::string& name);

Handle create_group(hid_t parent, const std::string& name);
Handle open_group(hid_t parent, const std::string& name);
Handle open_dataset(hid_t parent, const std::string& name);
bool exists(hid_t parent, const std::string& name);
/// Names of the members of a group, sorted.
std::vector<std::string> members(hid_t group);

Handle simple_space(std::span<const hsize_t> extents);  // scalar where there are none
Handle dataset_space(hid_t dataset);
std::vector<hsize_t> extents(hid_t dataset);
/// Bytes of one of its chunks in memory, 0 where it is not chunked.
std::size_t chunk_bytes(hid_t dataset);

/// Variable-length UTF-8.
Handle text_type();

/// The memory's type, and the file's (little-endian everywhere).
template <class T>
hid_t memory_type();
template <class T>
hid_t file_type();

void write_text_attribute(hid_t object, const std::string& name, const std::string& text);
void write_attribute(hid_t object, const std::string& name, double value);
void write_attribute(hid_t object, const std::string& name, std::int64_t value);
template <class T>
void write_attribute(hid_t object, const std::string& name, std::span<const T> values);

bool has_attribute(hid_t object, const std::string& name);
std::vector<std::string> attribute_names(hid_t object);
H5T_class_t attribute_class(hid_t object, const std::string& name);
std::string read_text_attribute(hid_t object, const std::string& name);
template <class T>
std::vector<T> read_attribute(hid_t object, const std::string& name);

/// A new contiguous dataset, written whole.
template <class T>
void write_dataset(hid_t parent, const std::string& name, std::span<const T> values, std::span<const hsize_t> shape);
Handle write_text_dataset(hid_t parent, const std::string& name, const std::vector<std::string>& texts);

/// A whole dataset, flattened.
template <class T>
std::vector<T> read_dataset(hid_t parent, const std::string& name);
std::vector<std::string> read_text_dataset(hid_t parent, const std::string& name);
/// Rows begin .. end-1 along its first dimension, flattened.
template <class T>
std::vector<T> read_rows(hid_t parent, const std::string& name, std::size_t begin, std::size_t end);
std::vector<std::string> read_text_rows(hid_t parent, const std::string& name, std::size_t begin, std::size_t end);

}  // namespace meander::hdf5
