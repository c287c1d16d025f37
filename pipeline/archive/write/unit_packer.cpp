#include "pipeline/archive/write/unit_packer.hpp"

#include <algorithm>
#include <limits>

namespace meander {
namespace {

/// The box at `corner` of an array of shape `from`, as one of shape `to`; what lies outside stays as it is.
template <class T>
void copy_box(const T* source, const std::vector<std::size_t>& from, const std::vector<hsize_t>& corner, T* target,
              const std::vector<hsize_t>& to, std::size_t d = 0) {
  if (d == from.size()) {
    *target = *source;
    return;
  }
  std::size_t source_stride = 1;
  std::size_t target_stride = 1;
  for (std::size_t k = d + 1; k < from.size(); ++k) {
    source_stride *= from[k];
    target_stride *= to[k];
  }
  for (std::size_t i = 0; i < to[d] && corner[d] + i < from[d]; ++i) {
    copy_box(source + (corner[d] + i) * source_stride, from, corner, target + i * target_stride, to, d + 1);
  }
}

std::vector<std::int64_t> error_codes(const std::vector<std::string>& messages, const Block& block,
                                      const std::vector<std::int32_t>& numbers) {
  std::vector<std::int64_t> meaning{0};  // of the block's own numbers
  for (const std::string& message : block.messages()) {
    meaning.push_back(std::lower_bound(messages.begin() + 1, messages.end(), message) - messages.begin());
  }
  std::vector<std::int64_t> codes;
  codes.reserve(numbers.size());
  for (const std::int32_t number : numbers) codes.push_back(meaning[static_cast<std::size_t>(number)]);
  return codes;
}

void put_values(const ArrayData& empty, const std::vector<ArrayData>& cells, WordWriter& out) {
  std::visit(
      [&]<class T>(const std::vector<T>&) {
        std::vector<T> values;
        for (const ArrayData& cell : cells) {
          const auto& more = std::get<std::vector<T>>(cell);
          values.insert(values.end(), more.begin(), more.end());
        }
        out.numbers(values.data(), values.size());
      },
      empty);
}

}  // namespace

OwnChunks::OwnChunks(const Field& field, const CellUnits& units) {
  const std::vector<hsize_t> chunk = field_chunk(field, units);
  own_.assign(chunk.end() - static_cast<std::ptrdiff_t>(field.own_extents.size()), chunk.end());
  for (const hsize_t extent : chunk) values_ *= extent;
  for (std::size_t d = 0; d < own_.size(); ++d) grid_.push_back((field.own_extents[d] + own_[d] - 1) / own_[d]);
}

std::size_t OwnChunks::count() const {
  std::size_t count = 1;
  for (const hsize_t pieces : grid_) count *= pieces;
  return count;
}

std::vector<hsize_t> OwnChunks::corner(std::size_t chunk) const {
  std::vector<hsize_t> corner(own_.size());
  for (std::size_t d = own_.size(); d-- > 0;) {
    corner[d] = chunk % grid_[d] * own_[d];
    chunk /= grid_[d];
  }
  return corner;
}

UnitPacker::UnitPacker(const Study& study, const Layout& layout, const Rounds& rounds,
                       const std::vector<std::string>& messages)
    : rounds_(rounds), messages_(messages) {
  for (std::size_t f = 0; f < layout.families.size(); ++f) fields_.push_back(family_fields(study, layout, f));
}

template <class T>
void UnitPacker::pack_cells(const Field& field, const Rounds::Unit& unit, const std::vector<T>& values,
                            std::size_t number, std::vector<Word>& out) {
  WordWriter writer(out);
  const OwnChunks chunks(field, rounds_.units(unit.family));
  if (field.dimensions.empty()) {  // a single number, which has no chunks
    writer.number(number);
    writer.number(Piece::values);
    writer.numbers(values.data(), values.size());
    return;
  }
  for (std::size_t chunk = 0; chunk < chunks.count(); ++chunk) {
    std::vector<T> whole(chunks.values(), missing_value<T>());
    if (chunks.count() == 1) {
      std::copy(values.begin(), values.end(), whole.begin());
    } else {  // of a single cell
      copy_box(values.data(), field.own_extents, chunks.corner(chunk), whole.data(), chunks.extents());
    }
    const PackedChunk packed = chunks_.pack<T>(whole);
    writer.number(number);
    writer.number(Piece::chunk);
    writer.number(chunk);
    writer.number(packed.filter_mask);
    writer.numbers(packed.bytes.data(), packed.bytes.size());
  }
}

std::vector<Word> UnitPacker::pack(const Rounds::Unit& unit, const Block& block) {
  const FamilyBlock& own = block.family(unit.family);
  std::vector<Word> out;
  const std::vector<Field>& fields = fields_[unit.family];
  for (std::size_t number = 0; number < fields.size(); ++number) {
    const Field& field = fields[number];
    switch (field.kind) {
      case FieldKind::status:
        pack_cells(field, unit, own.status, number, out);
        continue;
      case FieldKind::seconds:
        pack_cells(field, unit, own.seconds, number, out);
        continue;
      case FieldKind::error_code:
        pack_cells(field, unit, error_codes(messages_, block, own.message), number, out);
        continue;
      case FieldKind::count:
        pack_cells(field, unit, own.counts.at(field.ragged), number, out);
        continue;
      case FieldKind::array:
        break;
    }
    if (field.is_ragged_array()) {
      WordWriter writer(out);
      writer.number(number);
      writer.number(Piece::values);
      put_values(own.dense[field.array], own.ragged[field.array], writer);
    } else {
      std::visit([&](const auto& values) { pack_cells(field, unit, values, number, out); }, own.dense[field.array]);
    }
  }
  return out;
}

}  // namespace meander
