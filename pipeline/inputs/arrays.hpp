// Named arrays in an HDF5 file: how networks, curves and weight sweeps of the user's own come in, and
// how `export` writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace meander {

struct NamedArray {
  std::vector<std::size_t> shape;
  std::vector<double> values;  // row-major
};

/// Attributes are named by their path: one of the root by its bare name ("activation"), one of a
/// group with the group's path before it ("/curve/kind").
struct NamedArrays {
  std::map<std::string, NamedArray> arrays;                   // "/layers/0/weight"
  std::map<std::string, std::string> texts;                   // attributes that are strings
  std::map<std::string, std::vector<std::int64_t>> integers;  // attributes that are whole numbers
  std::set<std::string> other_attributes;                     // attributes that are neither
  std::set<std::string> groups;                               // "/layers/0"; not the root
  std::set<std::string> others;  // what else has a name: datasets of no numbers, links that lead nowhere

  const NamedArray* find(const std::string& path) const;
};

/// Every numeric dataset of an HDF5 file held in memory, read as doubles, under every name that it has: soft links are
/// followed, those into other files are not. Throws BadInput (`name` in the message) where it is not HDF5 or a dataset
/// cannot be read.
NamedArrays read_arrays(std::span<const std::byte> file, const std::string& name);

/// The root's attribute `filetype` of an HDF5 file; empty where there is none or it cannot be opened.
std::string filetype_of(const std::string& path);

/// Writes a new HDF5 file with all groups that the names ask for, replacing `path` atomically. Throws
/// std::runtime_error where it cannot.
void write_arrays(const std::string& path, const NamedArrays& arrays);

}  // namespace meander
