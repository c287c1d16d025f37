// An archive while its units of cells come in, on the rank that writes it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/write/source_cells.hpp"
#include "pipeline/archive/write/unit_packer.hpp"
#include "pipeline/ranks/words.hpp"
#include "pipeline/storage/hdf5.hpp"

namespace meander {

class UnitFile {
 public:
  /// `path` holds the archive's skeleton.
  UnitFile(const std::string& path, const Study& study, const Layout& layout, const Rounds& rounds);

  /// Writes what UnitPacker has made of a unit. Units come in order: values of ragged arrays follow each other.
  void write(const Rounds::Unit& unit, const std::vector<Word>& packed);
  void close();

 private:
  struct Target {
    Field field;
    hdf5::Handle dataset;
    OwnChunks chunks;
    hsize_t written = 0;  // of a ragged array, along its ragged dimension
  };

  void write_chunk(Target& target, const Rounds::Unit& unit, WordReader& from);
  void write_values(Target& target, WordReader& from);

  const Rounds& rounds_;
  hdf5::Handle file_;
  std::vector<std::vector<Target>> targets_;  // per family and field
};

}  // namespace meander
