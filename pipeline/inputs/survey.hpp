// What an HDF5 file of the user's own holds, found before a number of it is read: every name, followed within the file,
// with the sizes added up.
#pragma once

#include <hdf5.h>

#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/inputs/arrays.hpp"

namespace meander {

/// A dataset of numbers under one of its names.
struct FoundArray {
  std::string path;
  std::vector<std::size_t> shape;
  std::size_t count = 0;
  haddr_t address = 0;  // the same for all its names
};

struct Survey {
  NamedArrays named;  // all but the arrays
  std::vector<FoundArray> arrays;
  double bytes = 0.0;          // of all numbers as doubles, under every name
  double largest_chunk = 0.0;  // bytes
};

/// Walks an open file of `file_bytes`. Throws BadInput, `name` in the message, where anything in it lies outside of it
/// or may not be read (see check_dataset), where a link leads back to where it comes from, and where its numbers take
/// more memory than what is stored can hold or the machine has.
Survey survey_of(hid_t file, std::size_t file_bytes, const std::string& name);

/// Throws BadInput: `name: what cannot be read (why); write the file again`.
[[noreturn]] void refuse_part(const std::string& name, const std::string& what, const std::string& why);

}  // namespace meander
