// Compresses the chunks of an archive's arrays, on the rank that has their numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "pipeline/storage/hdf5.hpp"

namespace meander {

/// Gives a dataset's creation properties an archive's filters: shuffle, gzip, checksum.
void set_filters(hid_t properties);

/// A chunk as HDF5 stores it.
struct PackedChunk {
  std::vector<std::byte> bytes;
  std::uint32_t filter_mask = 0;  // filters that were left out, as H5Dwrite_chunk takes it
};

/// Has HDF5 itself pack chunks, in a file that lives in memory alone.
class ChunkPacker {
 public:
  ChunkPacker();
  /// `values` fill a whole chunk.
  template <class T>
  PackedChunk pack(std::span<const T> values);

 private:
  hdf5::Handle file_;
  std::map<std::pair<hid_t, std::size_t>, hdf5::Handle> datasets_;  // by type and length
};

}  // namespace meander
