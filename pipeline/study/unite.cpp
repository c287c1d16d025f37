// Two studies of one identity as one.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <unordered_set>

#include "pipeline/study/study.hpp"
#include "pipeline/values/labels.hpp"

namespace meander {

namespace {

/// Whether every value is a number and each stands in `order` to the next.
template <class Order>
bool ordered(const std::vector<Value>& values, Order order) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i].is_number()) return false;
    if (i > 0 && !order(values[i - 1].number(), values[i].number())) return false;
  }
  return true;
}

template <class Order>
void sort_if_both(const std::vector<Value>& a, const std::vector<Value>& b, std::vector<Value>& all, Order order) {
  if (!ordered(a, order) || !ordered(b, order)) return;
  std::stable_sort(all.begin(), all.end(),
                   [&](const Value& x, const Value& y) { return order(x.number(), y.number()); });
}

std::vector<Value> unite(const std::vector<Value>& a, const std::vector<Value>& b) {
  std::vector<Value> all = a;
  std::unordered_set<std::string> seen;
  for (const Value& value : a) seen.insert(value.canonical());
  for (const Value& value : b) {
    if (seen.insert(value.canonical()).second) all.push_back(value);
  }
  // One value alone is ascending and descending: ascending is tried last, so that it wins.
  sort_if_both(a, b, all, std::greater<double>());
  sort_if_both(a, b, all, std::less<double>());
  return all;
}

/// The first thing in which the two differ, for the message.
std::string difference(const Study& a, const Study& b) {
  if (a.measure != b.measure) return fmt::format("one measures {}, the other {}", a.measure, b.measure);
  if (a.measure_version != b.measure_version) {
    return fmt::format("version {} of measure {} against version {}", a.measure_version, a.measure, b.measure_version);
  }
  if (a.seed != b.seed) return fmt::format("seed {} against {}", a.seed, b.seed);
  if (a.single_precision != b.single_precision) return "single against double precision";
  if (a.independent != b.independent) return "common against independent coupling";
  const auto names = [](const Study& study) {
    std::vector<std::string> list;
    for (const SweepDimension& dimension : study.sweep) list.push_back(dimension.name);
    return fmt::format("[{}]", fmt::join(list, ", "));
  };
  if (names(a) != names(b)) return fmt::format("one sweeps {}, the other {}", names(a), names(b));
  for (const auto& [path, file] : a.files) {
    const StudyFile* other = b.file(path);
    if (other && other->sha256 != file.sha256) return fmt::format("the content of {} differs", path);
  }
  for (const auto* pair : {&a, &b}) {
    const Study& other = pair == &a ? b : a;
    for (const auto& [section, table] : pair->settings.entries()) {
      for (const auto& [key, value] : table.get_if<Table>()->entries()) {
        const std::string path = section + "." + key;
        const Value* theirs = other.setting(path);
        if (a.file(path) && b.file(path)) continue;
        if (!theirs) return fmt::format("only one sets {}", path);
        if (!(*theirs == value)) return fmt::format("{} is {} against {}", path, value.toml(), theirs->toml());
      }
    }
  }
  return "their points set other parameters";
}

/// Each of the two was checked alone.
void refuse_shared_labels(const Study& study) {
  Labels labels;
  const auto add = [&](const std::string& name, const Value& value) {
    if (const auto problem = labels.add(name, value)) throw BadInput("the two studies cannot be joined: " + *problem);
  };
  for (const SweepDimension& dimension : study.sweep) {
    for (const Value& value : dimension.values) {
      const Table* point = dimension.name == "point" ? value.get_if<Table>() : nullptr;
      if (point == nullptr) {
        add(dimension.name, value);
      } else {
        for (const auto& [name, parameter] : point->entries()) add(name, parameter);
      }
    }
  }
}

}  // namespace

Study unite(const Study& a, const Study& b) {
  if (a.identity() != b.identity()) {
    throw BadInput(
        fmt::format("the two studies cannot be joined ({}) only title, swept values and realizations may differ",
                    difference(a, b)));
  }
  Study study = a;
  study.realizations = std::max(a.realizations, b.realizations);
  for (std::size_t d = 0; d < study.sweep.size(); ++d) {
    study.sweep[d].values = unite(a.sweep[d].values, b.sweep[d].values);
  }
  refuse_shared_labels(study);
  for (auto& [path, file] : study.files) {
    if (const StudyFile* other = b.file(path); other && !file.bytes) file.bytes = other->bytes;
  }
  if (const auto problem = study.too_many_cells()) throw BadInput(*problem);
  return study;
}

}  // namespace meander
