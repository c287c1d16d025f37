// Named arrays in an HDF5 file: how networks, curves and weight sweeps of the user's own come in, and
// how `export` writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
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
  /// What else has a name, datasets of no numbers and links that lead nowhere, and why that is no array: the whole
  /// message.
  std::map<std::string, std::string> others;

  /// The array at `path`, null where nothing is there. Throws BadInput where something else is, or stands in its way:
  /// what is optional must not be passed over because it cannot be read.
  const NamedArray* find(const std::string& path) const;
};

/// Every numeric dataset of an HDF5 file held in memory, read as doubles, under every name that it has: hard and soft
/// links are followed. Throws BadInput (`name` in the message) where it is not HDF5, anything in it lies in another
/// file (links, virtual datasets, external storage), a dataset cannot be read or has far more numbers than are stored.
/// HDF5 itself may crash on bytes that `try_arrays` has not seen.
NamedArrays read_arrays(std::span<const std::byte> file, const std::string& name);

/// Reads the arrays of a file in a child process of bounded memory, whatever HDF5 does there, and gives the message
/// with which `read_arrays` would refuse them; nothing where all is well, or where the bytes are no HDF5 file at all.
/// To be asked once of bytes that come from outside, before any rank reads them. A child that computes for `seconds`
/// without reading a piece of an array is ended.
std::optional<std::string> try_arrays(std::span<const std::byte> file, const std::string& name, int seconds = 15);

/// The root's attribute `filetype` of an HDF5 file, read in a child process; empty where there is none or it cannot be
/// read.
std::string filetype_of(const std::string& path);

/// Writes a new HDF5 file with all groups that the names ask for, replacing `path` atomically. Throws
/// std::runtime_error where it cannot.
void write_arrays(const std::string& path, const NamedArrays& arrays);

}  // namespace meander
