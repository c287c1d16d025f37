#include "pipeline/archive/write/chunk_packer.hpp"

#include <string>

namespace meander {
namespace {

constexpr unsigned gzip_level = 4;

}  // namespace

void set_filters(hid_t properties) {
  hdf5::check(H5Pset_shuffle(properties), "shuffle");
  hdf5::check(H5Pset_deflate(properties, gzip_level), "gzip");
  hdf5::check(H5Pset_fletcher32(properties), "checksum");
}

ChunkPacker::ChunkPacker() : file_(hdf5::create_in_memory()) {}

template <class T>
PackedChunk ChunkPacker::pack(std::span<const T> values) {
  const hsize_t size = values.size();
  const std::pair key(hdf5::file_type<T>(), values.size());
  auto known = datasets_.find(key);
  if (known == datasets_.end()) {
    const hdf5::Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "dataset properties");
    hdf5::check(H5Pset_chunk(properties.id(), 1, &size), "chunk");
    set_filters(properties.id());
    const hdf5::Handle space = hdf5::simple_space(std::span(&size, 1));
    const std::string name = std::to_string(datasets_.size());
    known = datasets_
                .emplace(key, hdf5::Handle(H5Dcreate2(file_.id(), name.c_str(), key.first, space.id(), H5P_DEFAULT,
                                                      properties.id(), H5P_DEFAULT),
                                           H5Dclose, "chunk"))
                .first;
  }
  const hid_t dataset = known->second.id();
  hdf5::check(H5Dwrite(dataset, hdf5::memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "chunk");
  hdf5::check(H5Dflush(dataset), "chunk");
  const hsize_t origin = 0;
  hsize_t stored = 0;
  hdf5::check(H5Dget_chunk_storage_size(dataset, &origin, &stored), "chunk");
  PackedChunk chunk{std::vector<std::byte>(stored), 0};
  hdf5::check(H5Dread_chunk(dataset, H5P_DEFAULT, &origin, &chunk.filter_mask, chunk.bytes.data()), "chunk");
  return chunk;
}

template PackedChunk ChunkPacker::pack<double>(std::span<const double>);
template PackedChunk ChunkPacker::pack<std::int64_t>(std::span<const std::int64_t>);
template PackedChunk ChunkPacker::pack<std::int8_t>(std::span<const std::int8_t>);

}  // namespace meander
