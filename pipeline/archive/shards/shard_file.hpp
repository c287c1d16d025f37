// One shard: the finished records of one rank as plain columns, written whole each time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/measure/record.hpp"

namespace meander {

inline constexpr const char* shard_extension = ".shard";
inline bool is_shard_path(const std::string& path) {
  return path.ends_with(shard_extension);
}

/// The folder of an archive's shards, and the shard files in it, sorted by name. It lies beside the file that the
/// archive's name stands for, so that two links to one archive have one folder and one lock.
std::string shard_folder(const std::string& archive);
std::vector<std::string> shard_files(const std::string& archive);

/// Throws std::logic_error where a record's arrays have other types, sizes or extents than its
/// family declares.
void validate(const Record& record, const Layout& layout);

/// Approximate size of a record in bytes.
std::size_t size_of(const Record& record);

/// The records as the bytes of an HDF5 file.
std::vector<std::byte> shard_image(const Study& study, const Layout& layout,
                                   std::span<const std::shared_ptr<const Record>> records);

/// What a shard holds; `cell` counts in the shard's own study.
struct Shard {
  Header header;
  std::vector<Record> records;
};

enum class ShardPart { header, statuses, everything };

/// Throws BadInput where the file is missing, a link, damaged in any byte, or no shard; and, whichever part is wanted,
/// where a row is none of the study and layout that the shard names: its key is not that of its cell, the cell is there
/// twice, its status is unknown, or an array has other extents than the layout and its values allow. Whoever has read
/// the header alone can rely on the rest.
Shard read_shard(const std::string& path, ShardPart part);

}  // namespace meander
