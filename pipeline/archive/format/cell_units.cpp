#include "pipeline/archive/format/cell_units.hpp"

#include <algorithm>
#include <bit>

namespace meander {

CellUnits::CellUnits(std::vector<std::size_t> extents, std::size_t most) : extents_(std::move(extents)) {
  if (std::find(extents_.begin(), extents_.end(), 0U) != extents_.end()) {
    rows_ = 0;  // no cells at all
    return;
  }
  most = std::max<std::size_t>(most, 1);
  dimension_ = extents_.size();
  while (dimension_ > 0 && inner_ * extents_[dimension_ - 1] <= most) inner_ *= extents_[--dimension_];
  if (dimension_ == 0) return;  // all cells are one unit
  --dimension_;
  row_ = extents_[dimension_];
  along_ = std::bit_floor(most / inner_);
  units_per_row_ = (row_ + along_ - 1) / along_;
  for (std::size_t d = 0; d < dimension_; ++d) rows_ *= extents_[d];
}

CellRange CellUnits::operator[](std::size_t unit) const {
  const std::size_t first = unit / units_per_row_ * row_ + unit % units_per_row_ * along_;
  const std::size_t end = std::min(first + along_, (unit / units_per_row_ + 1) * row_);
  return {first * inner_, end * inner_};
}

std::size_t CellUnits::of(std::size_t cell) const {
  const std::size_t at = cell / inner_;
  return at / row_ * units_per_row_ + at % row_ / along_;
}

std::vector<hsize_t> CellUnits::box() const {
  std::vector<hsize_t> box;
  for (std::size_t d = 0; d < extents_.size(); ++d) {
    const bool whole = d > dimension_ || (d == dimension_ && units_per_row_ == 1);
    box.push_back(std::max<hsize_t>(1, whole ? extents_[d] : d == dimension_ ? along_ : 1));
  }
  return box;
}

std::vector<hsize_t> CellUnits::corner(std::size_t unit) const {
  std::vector<hsize_t> corner(extents_.size());
  std::size_t cell = (*this)[unit].begin;
  for (std::size_t d = extents_.size(); d-- > 0;) {
    corner[d] = cell % extents_[d];
    cell /= extents_[d];
  }
  return corner;
}

}  // namespace meander
