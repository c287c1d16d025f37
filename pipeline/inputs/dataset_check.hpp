// What a dataset of the user's own must be before a number of it is read: numbers that lie in the file itself, in a
// form that this HDF5 can undo, and no more of them than what is stored can hold.
#pragma once

#include <hdf5.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace meander {

/// What is known of a dataset from its description alone.
struct DatasetFacts {
  std::vector<std::size_t> shape;
  std::size_t count = 0;     // of its numbers
  double stored = 0.0;       // bytes in the file, as far as HDF5 knows
  double unstored = 0.0;     // bytes, as doubles, of the numbers beyond what compression could have made of these
  double chunk_bytes = 0.0;  // of one chunk in memory; 0 where there are none
  /// Why it holds no numbers ("it holds texts"); then nothing else is known.
  std::optional<std::string> no_numbers;
};

/// A dataset that must not be read; `what` is the reason with what to do, to stand behind the dataset's path.
struct RefusedDataset {
  std::string what;
};

/// Looks at an open dataset in a file of `file_bytes` without reading it or what it refers to. Throws RefusedDataset
/// where its numbers are another file's, compressed with a filter that is not installed, or its description is absurd;
/// hdf5::Error where that cannot be read.
DatasetFacts check_dataset(hid_t dataset, double file_bytes);

}  // namespace meander
