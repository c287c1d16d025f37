// Reads an archive's cells back as records, a range at a time.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "pipeline/archive/archive_shape.hpp"
#include "pipeline/archive/store.hpp"

namespace meander {

/// Throws BadInput where the bytes of the archive at `path` are not those that were written: HDF5 may
/// crash on a damaged file. Files of more than `largest` bytes are only tested for being whole.
void require_intact(const std::string& path, std::size_t largest = std::numeric_limits<std::size_t>::max());

class ArchiveReader {
 public:
  /// Throws BadInput where the file is missing, a folder, cut short, not HDF5, or no archive.
  explicit ArchiveReader(const std::string& path);

  const Header& header() const { return header_; }
  std::size_t cells(std::size_t family) const { return families_[family].cells; }
  /// Expected size of a cell's record.
  std::size_t bytes_per_cell(std::size_t family) const;
  std::vector<Status> statuses(std::size_t family) const;
  /// The cells begin <= cell < end that are not missing. Throws BadInput naming a damaged array.
  std::vector<Record> records(std::size_t family, std::size_t begin, std::size_t end) const;
  const std::vector<std::string>& messages() const { return messages_; }
  std::vector<std::int64_t> error_codes(std::size_t family) const;

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
  void read_array(const Field& field, std::size_t begin, std::size_t end, std::vector<Record>& records) const;
  void read_ragged(const Field& field, std::size_t begin, std::size_t end, std::vector<Record>& records) const;
  const std::vector<std::size_t>& offsets(const Field& field) const;
  const Field& bookkeeping(std::size_t family, FieldKind kind) const;

  std::string path_;
  hdf5::Handle file_;
  Header header_;
  std::vector<FamilyCells> families_;
  std::vector<std::string> messages_;
};

}  // namespace meander
