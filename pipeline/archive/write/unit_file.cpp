#include "pipeline/archive/write/unit_file.hpp"

#include <algorithm>

namespace meander {
namespace {

/// A ragged array's last chunk stays here until the next unit's values fill it.
constexpr std::size_t cache_bytes = std::size_t{4} << 20;

hdf5::Handle open_field(hid_t file, const std::string& name) {
  const hdf5::Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, "dataset access");
  hdf5::check(H5Pset_chunk_cache(access.id(), 101, cache_bytes, 1.0), "chunk cache");
  return {H5Dopen2(file, name.c_str(), access.id()), H5Dclose, "dataset '" + name + "'"};
}

}  // namespace

UnitFile::UnitFile(const std::string& path, const Study& study, const Layout& layout, const Rounds& rounds)
    : rounds_(rounds), file_(hdf5::open_file(path, H5F_ACC_RDWR)) {
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    std::vector<Target>& targets = targets_.emplace_back();
    for (Field& field : family_fields(study, layout, f)) {
      hdf5::Handle dataset = open_field(file_.id(), field.name);
      const OwnChunks chunks(field, rounds.units(f));
      targets.push_back({std::move(field), std::move(dataset), chunks});
    }
  }
}

void UnitFile::write(const Rounds::Unit& unit, const std::vector<Word>& packed) {
  for (WordReader from(packed); !from.empty();) {
    Target& target = targets_[unit.family][from.number<std::size_t>()];
    from.number<Piece>() == Piece::chunk ? write_chunk(target, unit, from) : write_values(target, from);
  }
}

void UnitFile::write_chunk(Target& target, const Rounds::Unit& unit, WordReader& from) {
  const auto chunk = from.number<std::size_t>();
  const auto mask = from.number<std::uint32_t>();
  const auto bytes = from.numbers<std::vector<std::byte>>();
  std::vector<hsize_t> corner = rounds_.units(unit.family).corner(unit.number);
  for (const hsize_t at : target.chunks.corner(chunk)) corner.push_back(at);
  hdf5::check(H5Dwrite_chunk(target.dataset.id(), H5P_DEFAULT, mask, corner.data(), bytes.size(), bytes.data()),
              "array '" + target.field.name + "'");
}

void UnitFile::write_values(Target& target, WordReader& from) {
  const auto write = [&]<class T>(const std::vector<T>& values) {
    if (values.empty()) return;
    const std::string what = "array '" + target.field.name + "'";
    if (!target.field.is_ragged_array()) {
      hdf5::check(H5Dwrite(target.dataset.id(), hdf5::memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
                  what);
      return;
    }
    std::vector<hsize_t> start{target.written};
    std::vector<hsize_t> size{values.size() / target.field.own_size()};
    for (const std::size_t extent : target.field.own_extents) {
      start.push_back(0);
      size.push_back(extent);
    }
    const hdf5::Handle space = hdf5::dataset_space(target.dataset.id());
    const hdf5::Handle memory = hdf5::simple_space(size);
    hdf5::check(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr),
                "selection");
    hdf5::check(
        H5Dwrite(target.dataset.id(), hdf5::memory_type<T>(), memory.id(), space.id(), H5P_DEFAULT, values.data()),
        what);
    target.written += size.front();
  };
  switch (target.field.type) {
    case ArrayType::float64:
      return write(from.numbers<std::vector<double>>());
    case ArrayType::int64:
      return write(from.numbers<std::vector<std::int64_t>>());
    case ArrayType::int8:
      return write(from.numbers<std::vector<std::int8_t>>());
  }
}

void UnitFile::close() {
  for (std::vector<Target>& targets : targets_) {
    for (Target& target : targets) target.dataset.close();
  }
  file_.close();
}

}  // namespace meander
