// Reads an archive's cells back as records, a range at a time.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/format/header.hpp"
#include "pipeline/measure/record.hpp"
#include "pipeline/storage/hdf5.hpp"

namespace meander {

/// To be called before HDF5 sees an archive, because it may crash on a damaged file. Throws BadInput
/// where the bytes are not those that the seal was made of, or where there is no seal and a child
/// process could not read every array. Gives a warning where it could: another program wrote into the
/// archive, which removes the seal. A sealed file of more than `largest` bytes is not read.
[[nodiscard]] std::string require_readable(const std::string& path,
                                           std::size_t largest = std::numeric_limits<std::size_t>::max());

/// Throws BadInput with the first thing that is wrong with the file as a file: missing, a folder, empty, not HDF5.
void require_hdf5_file(const std::string& path);

class ArchiveReader {
 public:
  /// Of a file that was found readable. Throws BadInput where it is missing, a folder, cut short, not
  /// HDF5, or no archive.
  explicit ArchiveReader(const std::string& path);

  const Header& header() const { return header_; }
  std::size_t cells(std::size_t family) const { return families_[family].cells; }
  /// Expected size of a cell's record.
  std::size_t bytes_per_cell(std::size_t family) const;
  /// Whether cells of the family have values that bytes_per_cell does not count.
  bool is_ragged(std::size_t family) const;
  /// Throws BadInput where a status is none that there is.
  std::vector<Status> statuses(std::size_t family) const { return statuses(family, 0, cells(family)); }
  std::vector<Status> statuses(std::size_t family, std::size_t begin, std::size_t end) const;
  /// Reads all bookkeeping (statuses, error codes, lengths of ragged dimensions), a part at a time. Throws BadInput
  /// naming the array where one holds what no program has written: an unknown status, a code without a message, a
  /// negative length, lengths that do not add up to those of the arrays.
  void check_bookkeeping() const;
  /// The cells begin <= cell < end that are not missing. Throws BadInput naming a damaged array.
  std::vector<Record> records(std::size_t family, std::size_t begin, std::size_t end) const;
  /// Of the cells begin <= cell < end: whether any of their values of an array, not a ragged one, is positive. Reads
  /// that array alone.
  std::vector<bool> positive(std::size_t family, std::size_t array, std::size_t begin, std::size_t end) const;
  const std::vector<std::string>& messages() const { return messages_; }
  /// Throws BadInput where one has no message.
  std::vector<std::int64_t> error_codes(std::size_t family) const { return error_codes(family, 0, cells(family)); }
  std::vector<std::int64_t> error_codes(std::size_t family, std::size_t begin, std::size_t end) const;

 private:
  struct FamilyCells {
    std::size_t cells = 0;
    std::vector<std::size_t> extents;
    std::vector<Field> fields;
    // Per ragged dimension: where each cell's values begin, and one more.
    mutable std::map<std::string, std::vector<std::size_t>> offsets;
  };

  template <class T>
  std::vector<T> read(const Field& field, std::size_t begin, std::size_t end) const;
  /// Open from one reading to the next, with room for one chunk: the next cells are mostly in the chunk of the last
  /// ones.
  const hdf5::Handle& dataset(const std::string& name) const;
  void read_array(const Field& field, std::size_t begin, std::size_t end, std::vector<Record>& records) const;
  void read_ragged(const Field& field, std::size_t begin, std::size_t end, std::vector<Record>& records) const;
  const std::vector<std::size_t>& offsets(const Field& field) const;
  std::size_t stored_length(const Field& ragged) const;
  const Field& bookkeeping(std::size_t family, FieldKind kind) const;
  std::vector<std::int8_t> raw_statuses(std::size_t family, std::size_t begin, std::size_t end) const;
  std::vector<std::int64_t> codes(std::size_t family, std::size_t begin, std::size_t end) const;
  [[noreturn]] void refuse(const Field& field, const std::string& why) const;

  std::string path_;
  hdf5::Handle file_;
  Header header_;
  mutable std::map<std::string, hdf5::Handle> datasets_;
  std::vector<FamilyCells> families_;
  std::vector<std::string> messages_;
};

}  // namespace meander
