// A unit of cells as rank 0 writes it: packed chunks, and the values of ragged arrays.
#pragma once

#include <string>
#include <vector>

#include "pipeline/archive/cells/block.hpp"
#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/write/chunk_packer.hpp"
#include "pipeline/archive/write/source_cells.hpp"
#include "pipeline/ranks/words.hpp"

namespace meander {

/// What follows in a packed unit: its field's number in the family, and then a chunk (its number among those of the
/// unit, filter mask, bytes) or values (as many as there are).
enum class Piece : std::uint64_t { chunk, values };

/// Chunks of one unit of a field: along its own dimensions there may be several.
class OwnChunks {
 public:
  OwnChunks(const Field& field, const CellUnits& units);
  std::size_t count() const;
  /// Where a chunk begins, in the field's own dimensions.
  std::vector<hsize_t> corner(std::size_t chunk) const;
  const std::vector<hsize_t>& extents() const { return own_; }
  /// Values in a whole chunk.
  std::size_t values() const { return values_; }

 private:
  std::vector<hsize_t> own_;  // extents of a chunk
  std::vector<hsize_t> grid_;
  std::size_t values_ = 1;
};

class UnitPacker {
 public:
  /// `messages` are what error codes mean, sorted after the first.
  UnitPacker(const Study& study, const Layout& layout, const Rounds& rounds, const std::vector<std::string>& messages);

  /// `block` holds the unit's cells. UnitFile takes it.
  std::vector<Word> pack(const Rounds::Unit& unit, const Block& block);

 private:
  template <class T>
  void pack_cells(const Field& field, const Rounds::Unit& unit, const std::vector<T>& values, std::size_t number,
                  std::vector<Word>& out);

  const Rounds& rounds_;
  const std::vector<std::string>& messages_;
  std::vector<std::vector<Field>> fields_;  // per family
  ChunkPacker chunks_;
};

}  // namespace meander
