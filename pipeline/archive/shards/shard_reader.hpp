// Reads a shard, a few rows at a time, and believes nothing in it that can be compared with the study: a right seal
// only says that the bytes are those that somebody has sealed.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/measure/record.hpp"

namespace meander {

class ShardReader {
 public:
  /// Throws BadInput where the file is missing, a link, damaged in any byte, or no shard; and where a row is none of
  /// the study and layout that the shard names: its key is not that of its cell, the cell is there twice, its status is
  /// unknown, or an array has other extents than the layout and its values allow. Whoever has a reader can rely on all
  /// of it. A file that this process has found good before is not looked through again.
  explicit ShardReader(const std::string& path);
  ~ShardReader();
  ShardReader(const ShardReader&) = delete;
  ShardReader& operator=(const ShardReader&) = delete;

  const Header& header() const;
  std::size_t bytes() const;  // of the file
  std::size_t rows(std::size_t family) const;
  /// Of each row: its cell in the shard's own study, and its status.
  std::vector<std::size_t> cells(std::size_t family) const;
  std::vector<Status> statuses(std::size_t family) const;
  void collect_messages(std::size_t family, std::set<std::string>& messages) const;
  /// Rows begin .. end-1.
  std::vector<Record> records(std::size_t family, std::size_t begin, std::size_t end) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace meander
