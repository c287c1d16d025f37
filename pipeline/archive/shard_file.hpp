// One shard: the finished records of one rank as plain columns, written whole each time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipeline/archive/store.hpp"

namespace meander {

inline constexpr const char* shard_extension = ".shard";

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

/// Throws BadInput where the file is missing, damaged in any byte, or no shard.
Shard read_shard(const std::string& path, ShardPart part);

}  // namespace meander
