#include "pipeline/inputs/dataset_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "pipeline/storage/hdf5.hpp"

namespace meander {
namespace {

/// Deflate makes at most 1032 bytes of one; what numbers take beyond this many times their bytes was never written.
constexpr double largest_ratio = 1100.0;
/// Any chunk may be so large; a larger one holds what is stored.
constexpr double usual_chunk = 128.0 * (1 << 20);
/// Of one number: long double has 16 bytes.
constexpr std::size_t largest_number = 16;

void require_own_storage(hid_t creation) {
  if (H5Pget_layout(creation) == H5D_VIRTUAL) {
    throw RefusedDataset{
        "is a virtual dataset (its numbers lie in other files, which no digest covers) copy the numbers into this "
        "file"};
  }
  if (H5Pget_external_count(creation) > 0) {
    throw RefusedDataset{
        "has external storage (its numbers lie in other files, which no digest covers) copy the numbers into this "
        "file"};
  }
}

/// Names for filters that a file leaves without one.
std::string usual_name(H5Z_filter_t filter) {
  constexpr std::array<std::pair<int, const char*>, 9> known{{{1, "gzip"},
                                                              {4, "szip"},
                                                              {305, "lzo"},
                                                              {307, "bzip2"},
                                                              {32000, "lzf"},
                                                              {32001, "blosc"},
                                                              {32004, "lz4"},
                                                              {32008, "bitshuffle"},
                                                              {32015, "zstd"}}};
  for (const auto& [number, name] : known) {
    if (number == filter) return name;
  }
  return "unknown";
}

bool is_plain(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

void require_filters(hid_t creation) {
  const int count = static_cast<int>(hdf5::check(H5Pget_nfilters(creation), "filters"));
  for (int i = 0; i < count; ++i) {
    unsigned flags = 0;
    std::size_t parameters = 0;
    std::array<char, 64> text{};
    const H5Z_filter_t filter = H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &parameters, nullptr,
                                               text.size() - 1, text.data(), nullptr);
    hdf5::check(filter, "filters");
    if (H5Zfilter_avail(filter) > 0) continue;
    const std::string named(text.data());
    throw RefusedDataset{fmt::format(
        "is compressed with the filter {} ({}) (this HDF5 does not have it) write it again with gzip or none",
        is_plain(named) && named.size() < 20 ? named : usual_name(filter), static_cast<int>(filter))};
  }
}

/// Why numbers cannot be made of a type, or nothing where they can.
std::optional<std::string> no_numbers(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
    case H5T_FLOAT:
      return std::nullopt;
    case H5T_STRING:
      return "it holds texts";
    case H5T_ENUM:
      return "it holds truth values or names";
    case H5T_COMPOUND:
      return "it holds records or complex numbers";
    case H5T_REFERENCE:
      return "it holds references";
    case H5T_VLEN:
    case H5T_ARRAY:
      return "it holds arrays of arrays";
    default:
      return "it holds another type than numbers";
  }
}

/// The product of extents, or nothing where it overflows or no memory could hold as many doubles.
std::optional<std::size_t> product(const std::vector<hsize_t>& extents) {
  std::size_t count = 1;
  for (const hsize_t extent : extents) {
    if (extent != 0 && count > std::numeric_limits<std::ptrdiff_t>::max() / sizeof(double) / extent)
      return std::nullopt;
    count *= extent;
  }
  return count;
}

double chunk_numbers(hid_t creation, std::size_t rank) {
  std::vector<hsize_t> chunk(rank);
  hdf5::check(H5Pget_chunk(creation, static_cast<int>(rank), chunk.data()), "chunks");
  double numbers = 1.0;
  for (const hsize_t extent : chunk) numbers *= static_cast<double>(extent);
  return numbers;
}

}  // namespace

DatasetFacts check_dataset(hid_t dataset, double file_bytes) {
  DatasetFacts facts;
  // Before the shape is asked for, which opens the sources of a virtual dataset.
  const hdf5::Handle creation(H5Dget_create_plist(dataset), H5Pclose, "how it is stored");
  require_own_storage(creation.id());
  const hdf5::Handle type(H5Dget_type(dataset), H5Tclose, "its type");
  facts.no_numbers = no_numbers(type.id());
  if (facts.no_numbers) return facts;
  const hdf5::Handle space = hdf5::dataset_space(dataset);
  if (H5Sget_simple_extent_type(space.id()) == H5S_NULL) {
    facts.no_numbers = "it is empty, without a shape";
    return facts;
  }
  require_filters(creation.id());
  const std::vector<hsize_t> extents = hdf5::extents(dataset);
  const auto count = product(extents);
  const std::size_t size = H5Tget_size(type.id());
  if (!count || size == 0 || size > largest_number) {
    throw RefusedDataset{"cannot be read (its description is damaged) write the file again"};
  }
  facts.shape.assign(extents.begin(), extents.end());
  facts.count = *count;
  facts.stored = static_cast<double>(H5Dget_storage_size(dataset));
  if (facts.stored > file_bytes) {
    throw RefusedDataset{"cannot be read (it takes more bytes than the file has) write the file again"};
  }
  const double claimed = static_cast<double>(facts.count) * static_cast<double>(size);
  const double possible = largest_ratio * facts.stored;
  facts.unstored = std::max(0.0, claimed - possible) / static_cast<double>(size) * sizeof(double);
  if (H5Pget_layout(creation.id()) == H5D_CHUNKED) {
    facts.chunk_bytes = chunk_numbers(creation.id(), extents.size()) * static_cast<double>(size);
    if (facts.chunk_bytes > std::max(usual_chunk, std::min(possible, 2.0 * claimed))) {
      throw RefusedDataset{
          fmt::format("cannot be read (its chunks take {:.1f} GB each, far more than it has numbers or is "
                      "stored) write it with smaller chunks",
                      facts.chunk_bytes / 1e9)};
    }
  }
  return facts;
}

}  // namespace meander
