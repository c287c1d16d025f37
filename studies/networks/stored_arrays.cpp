// Requirements on arrays of the user's own, with the file and the place in every message.
#include "studies/networks/stored_arrays.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "pipeline/values/diagnostics.hpp"

namespace meander {

void refuse_file(const std::string& name, const std::string& problem) {
  throw BadInput(name + ": " + problem);
}

std::string shape_text(const NamedArray& array) {
  return fmt::format("({})", fmt::join(array.shape, ", "));
}

const NamedArray& require_array(const NamedArrays& arrays, const std::string& path, const std::string& name,
                                const char* what) {
  const NamedArray* array = arrays.find(path);
  if (array == nullptr) refuse_file(name, fmt::format("dataset {} is missing ({}) add it", path, what));
  const auto bad =
      std::find_if_not(array->values.begin(), array->values.end(), [](double x) { return std::isfinite(x); });
  if (bad != array->values.end()) {
    refuse_file(name, fmt::format("dataset {} holds {} at flat index {} (all numbers must be finite) repair the file",
                                  path, *bad, bad - array->values.begin()));
  }
  return *array;
}

}  // namespace meander
