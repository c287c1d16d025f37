#include "pipeline/archive/cells/block.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

// Across cores, sums are taken in another order.
constexpr double tolerance_across_cores = 1e-12;

ArrayData filled(ArrayType type, std::size_t size) {
  switch (type) {
    case ArrayType::float64:
      return std::vector<double>(size, missing_value<double>());
    case ArrayType::int64:
      return std::vector<std::int64_t>(size, missing_value<std::int64_t>());
    case ArrayType::int8:
      break;
  }
  return std::vector<std::int8_t>(size, missing_value<std::int8_t>());
}

// Copies values of shape `from` into the corner of an array of shape `to`.
template <class T>
void copy_padded(const T* source, const std::vector<std::size_t>& from, T* target, const std::vector<std::size_t>& to,
                 std::size_t d = 0) {
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
  for (std::size_t i = 0; i < from[d]; ++i) {
    copy_padded(source + i * source_stride, from, target + i * target_stride, to, d + 1);
  }
}

ArrayData padded(const ArrayData& data, const std::vector<std::size_t>& from, const std::vector<std::size_t>& to,
                 ArrayType type) {
  std::size_t size = 1;
  for (const std::size_t extent : to) size *= extent;
  ArrayData result = filled(type, size);
  std::visit(
      [&]<class T>(std::vector<T>& target) {
        const auto* source = std::get_if<std::vector<T>>(&data);
        if (source != nullptr && !source->empty()) copy_padded(source->data(), from, target.data(), to);
      },
      result);
  return result;
}

ArrayData slice(const ArrayData& data, std::size_t begin, std::size_t size) {
  return std::visit(
      [&]<class T>(const std::vector<T>& values) -> ArrayData {
        const auto first = values.begin() + static_cast<std::ptrdiff_t>(begin);
        return std::vector<T>(first, first + static_cast<std::ptrdiff_t>(size));
      },
      data);
}

void put(ArrayData& data, std::size_t begin, const ArrayData& part) {
  std::visit(
      [&]<class T>(std::vector<T>& values) {
        const auto& source = std::get<std::vector<T>>(part);
        std::copy(source.begin(), source.end(), values.begin() + static_cast<std::ptrdiff_t>(begin));
      },
      data);
}

std::size_t length(const ArrayData& data) {
  return std::visit([](const auto& values) { return values.size(); }, data);
}

// Any total order of contents will do, as long as it knows the bytes alone.
int order(const ArrayData& a, const ArrayData& b) {
  if (length(a) != length(b)) return length(a) < length(b) ? -1 : 1;
  return std::visit(
      [&]<class T>(const std::vector<T>& values) {
        const auto& other = std::get<std::vector<T>>(b);
        return values.empty() ? 0 : std::memcmp(values.data(), other.data(), values.size() * sizeof(T));
      },
      a);
}

bool agree(double a, double b, bool exactly) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return true;
  return !exactly && std::abs(a - b) <= tolerance_across_cores * std::max(std::abs(a), std::abs(b));
}

bool agree(const ArrayData& a, const ArrayData& b, bool exactly) {
  if (a.index() != b.index() || length(a) != length(b)) return false;
  const auto* floats = std::get_if<std::vector<double>>(&a);
  if (floats == nullptr) return a == b;
  const auto& others = std::get<std::vector<double>>(b);
  return std::equal(floats->begin(), floats->end(), others.begin(),
                    [&](double x, double y) { return agree(x, y, exactly); });
}

}  // namespace

int merit(Status status) {
  switch (status) {
    case Status::missing:
      return 0;
    case Status::failed:
      return 1;
    case Status::not_converged:
      return 2;
    case Status::out_of_range:
      return 3;
    case Status::done:
      return 4;
  }
  return 0;
}

/// A cell as the archive holds it.
struct Block::Content {
  Status status = Status::missing;
  double seconds = 0.0;
  std::int32_t message = 0;
  std::int32_t core = 0;
  std::vector<ArrayData> arrays;               // padded, or as long as the cell where ragged
  std::map<std::string, std::int64_t> counts;  // per ragged dimension
};

Block::Block(const Study& study, const Layout& layout, const std::vector<CellRange>& cells)
    : study_(&study), layout_(&layout) {
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    FamilyBlock block;
    block.begin = cells[f].begin;
    block.end = cells[f].end;
    block.status.assign(block.cells(), static_cast<std::int8_t>(Status::missing));
    block.seconds.assign(block.cells(), std::numeric_limits<double>::quiet_NaN());
    block.message.assign(block.cells(), 0);
    block.core.assign(block.cells(), 0);
    std::vector<Field> fields;
    for (Field& field : family_fields(study, layout, f)) {
      if (field.kind != FieldKind::array) continue;
      const bool ragged = field.is_ragged_array();
      block.dense.push_back(filled(field.type, ragged ? 0 : block.cells() * field.own_size()));
      block.ragged.emplace_back(ragged ? block.cells() : 0, filled(field.type, 0));
      if (ragged) block.counts[field.ragged].assign(block.cells(), missing_count);
      fields.push_back(std::move(field));
    }
    fields_.push_back(std::move(fields));
    families_.push_back(std::move(block));
  }
}

std::int32_t Block::intern(std::vector<std::string>& all, std::map<std::string, std::int32_t>& known,
                           const std::string& text) {
  const auto [position, is_new] = known.emplace(text, static_cast<std::int32_t>(all.size()));
  if (is_new) all.push_back(text);
  return position->second;
}

Block::Content Block::normalise(Record&& record, const std::string& core) {
  Content content;
  content.status = record.status;
  content.seconds = record.seconds;
  content.message = record.message.empty() ? 0 : 1 + intern(messages_, known_messages_, record.message);
  content.core = intern(cores_, known_cores_, core);
  const std::vector<Field>& fields = fields_[record.family];
  for (std::size_t a = 0; a < fields.size(); ++a) {
    if (!fields[a].is_ragged_array()) continue;
    const bool given = !record.extents[a].empty();
    std::int64_t& count = content.counts.emplace(fields[a].ragged, missing_count).first->second;
    if (!given) continue;
    const auto own = static_cast<std::int64_t>(record.extents[a].front());
    if (count != missing_count && count != own) {
      throw BadInput("arrays over the ragged dimension '" + fields[a].ragged + "' differ in length within a cell");
    }
    count = own;
  }
  for (std::size_t a = 0; a < fields.size(); ++a) {
    std::vector<std::size_t> to = fields[a].own_extents;
    if (fields[a].is_ragged_array()) {
      to.insert(to.begin(), static_cast<std::size_t>(std::max<std::int64_t>(0, content.counts[fields[a].ragged])));
    }
    content.arrays.push_back(padded(record.arrays[a], record.extents[a], to, fields[a].type));
  }
  return content;
}

Block::Content Block::content(std::size_t family, std::size_t index) const {
  const FamilyBlock& block = families_[family];
  Content content;
  content.status = static_cast<Status>(block.status[index]);
  content.seconds = block.seconds[index];
  content.message = block.message[index];
  content.core = block.core[index];
  for (const auto& [name, counts] : block.counts) content.counts[name] = counts[index];
  for (std::size_t a = 0; a < block.dense.size(); ++a) {
    const Field& field = fields_[family][a];
    content.arrays.push_back(field.is_ragged_array()
                                 ? block.ragged[a][index]
                                 : slice(block.dense[a], index * field.own_size(), field.own_size()));
  }
  return content;
}

void Block::store(std::size_t family, std::size_t index, Content&& content) {
  FamilyBlock& block = families_[family];
  block.status[index] = static_cast<std::int8_t>(content.status);
  block.seconds[index] = content.seconds;
  block.message[index] = content.message;
  block.core[index] = content.core;
  for (auto& [name, counts] : block.counts) counts[index] = content.counts[name];
  for (std::size_t a = 0; a < block.dense.size(); ++a) {
    const Field& field = fields_[family][a];
    if (field.is_ragged_array()) {
      block.ragged[a][index] = std::move(content.arrays[a]);
    } else {
      put(block.dense[a], index * field.own_size(), content.arrays[a]);
    }
  }
}

std::optional<std::string> Block::disagreement(std::size_t family, const Content& a, const Content& b) const {
  const std::string& core = cores_[static_cast<std::size_t>(a.core)];
  // A core in several words belongs to an archive that was joined across cores.
  const bool exactly = a.core == b.core && core.find(", ") == std::string::npos;
  for (std::size_t i = 0; i < a.arrays.size(); ++i) {
    if (fields_[family][i].run_dependent) continue;
    if (!agree(a.arrays[i], b.arrays[i], exactly)) return fields_[family][i].name;
  }
  return std::nullopt;
}

void Block::note_conflict(std::size_t family, std::size_t index, const std::string& what) {
  const std::pair at(family, index);
  if (conflict_ && conflict_at_ <= at) return;
  const CellSpace cells(*study_, layout_->families[family]);
  const std::size_t cell = families_[family].begin + index;
  std::string text = Point(*study_, cells.point_indices(cell)).text();
  if (layout_->families[family].per_realization) {
    text += (text.empty() ? "" : ", ") + std::string("realization = ") + std::to_string(cells.realization(cell));
  }
  conflict_ = "two sources disagree on a cell that both computed (array '" + what + "' at " + text +
              ") they come from different programs or damaged files; leave one of them out";
  conflict_at_ = at;
}

void Block::insert(Record record, const std::string& core) {
  const std::size_t family = record.family;
  const std::size_t index = record.cell - families_[family].begin;
  Content incoming = normalise(std::move(record), core);
  const auto held_status = static_cast<Status>(families_[family].status[index]);
  const int better = merit(incoming.status) - merit(held_status);
  if (better < 0) return;
  if (better > 0) return store(family, index, std::move(incoming));
  Content held = content(family, index);
  if (held.status == Status::done) {
    if (const auto array = disagreement(family, held, incoming)) return note_conflict(family, index, *array);
  }
  const auto text = [&](const Content& c) {
    return c.message == 0 ? std::string() : messages_[static_cast<std::size_t>(c.message) - 1];
  };
  int lasting = text(incoming).compare(text(held));
  int passing = incoming.seconds < held.seconds ? -1 : incoming.seconds > held.seconds ? 1 : 0;
  for (std::size_t a = 0; a < held.arrays.size(); ++a) {
    int& side = fields_[family][a].run_dependent ? passing : lasting;
    if (side == 0) side = order(incoming.arrays[a], held.arrays[a]);
  }
  if (lasting == 0)
    lasting = cores_[static_cast<std::size_t>(incoming.core)].compare(cores_[static_cast<std::size_t>(held.core)]);
  if (lasting < 0) {
    std::swap(held.message, incoming.message);
    std::swap(held.core, incoming.core);
    std::swap(held.counts, incoming.counts);
  }
  if (passing < 0) held.seconds = incoming.seconds;
  for (std::size_t a = 0; a < held.arrays.size(); ++a) {
    if ((fields_[family][a].run_dependent ? passing : lasting) < 0) std::swap(held.arrays[a], incoming.arrays[a]);
  }
  store(family, index, std::move(held));
}

std::vector<std::string> Block::cores_used() const {
  std::vector<bool> used(cores_.size(), false);
  for (const FamilyBlock& block : families_) {
    for (std::size_t i = 0; i < block.cells(); ++i) {
      if (block.status[i] != 0) used[static_cast<std::size_t>(block.core[i])] = true;
    }
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < cores_.size(); ++i) {
    if (used[i]) names.push_back(cores_[i]);
  }
  return names;
}

}  // namespace meander
