// The layout of an archive that joins two.
#include <algorithm>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

[[noreturn]] void contradict(const std::string& what) {
  throw BadInput("two archives contradict each other (" + what +
                 " is declared in two ways) they come from different versions of the program; run the study again "
                 "with one of them");
}

bool begins_with(const std::vector<Value>& all, const std::vector<Value>& part) {
  return part.size() <= all.size() && std::equal(part.begin(), part.end(), all.begin());
}

OwnDimension unite(const OwnDimension& a, const OwnDimension& b) {
  const OwnDimension& longer = a.size >= b.size ? a : b;
  const OwnDimension& shorter = a.size >= b.size ? b : a;
  const bool same = a.units == b.units && a.ragged == b.ragged && a.coordinates.empty() == b.coordinates.empty() &&
                    begins_with(longer.coordinates, shorter.coordinates);
  if (!same) contradict("dimension '" + a.name + "'");
  return longer;
}

Family unite(Family a, const Family& b) {
  if (a.over != b.over || a.per_realization != b.per_realization) contradict("the family '" + a.name + "'");
  for (const ArraySpec& array : b.arrays) {
    const auto known =
        std::find_if(a.arrays.begin(), a.arrays.end(), [&](const ArraySpec& own) { return own.name == array.name; });
    if (known == a.arrays.end()) {
      a.arrays.push_back(array);
    } else if (known->type != array.type || known->dimensions != array.dimensions || known->units != array.units ||
               known->run_dependent != array.run_dependent) {
      contradict("array '" + array.name + "'");
    }
  }
  return a;
}

template <class Named>
void unite_all(std::vector<Named>& into, const std::vector<Named>& from) {
  for (const Named& item : from) {
    const auto known = std::find_if(into.begin(), into.end(), [&](const Named& own) { return own.name == item.name; });
    if (known == into.end()) {
      into.push_back(item);
    } else {
      *known = unite(*known, item);
    }
  }
}

}  // namespace

Layout unite(const Layout& a, const Layout& b) {
  Layout united = a;
  unite_all(united.dimensions, b.dimensions);
  unite_all(united.families, b.families);
  return united;
}

}  // namespace meander
