#include "pipeline/measure/record.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>

#include "pipeline/measure/layout.hpp"

namespace meander {
namespace {

template <class From>
ArrayData convert(ArrayType type, std::span<const From> values, std::string_view name) {
  if constexpr (std::is_same_v<From, double>) {
    if (type == ArrayType::float64) return std::vector<double>(values.begin(), values.end());
  } else {
    static_assert(std::is_same_v<From, std::int64_t>);
    if (type == ArrayType::int64) return std::vector<std::int64_t>(values.begin(), values.end());
    if (type == ArrayType::int8) {
      std::vector<std::int8_t> narrow;
      narrow.reserve(values.size());
      for (const std::int64_t value : values) narrow.push_back(static_cast<std::int8_t>(value));
      return narrow;
    }
  }
  throw std::logic_error("array '" + std::string(name) + "' was declared with another type");
}

/// Which of several values it is.
std::string place(const std::vector<double>& values, std::ptrdiff_t at) {
  return values.size() > 1 ? " at entry " + std::to_string(at) : "";
}

}  // namespace

Results::Results(const Family& family)
    : family_(&family),
      arrays_(family.arrays.size()),
      extents_(family.arrays.size()),
      given_(family.arrays.size(), false) {}

std::size_t Results::index(std::string_view array) const {
  for (std::size_t i = 0; i < family_->arrays.size(); ++i) {
    if (family_->arrays[i].name == array) return i;
  }
  throw std::logic_error("the measure declares no array '" + std::string(array) + "'");
}

void Results::set(std::string_view array, double value) {
  const std::size_t i = index(array);
  given_[i] = true;
  arrays_[i] = convert(family_->arrays[i].type, std::span<const double>(&value, 1), array);
}

void Results::set(std::string_view array, std::int64_t value) {
  const std::size_t i = index(array);
  given_[i] = true;
  arrays_[i] = convert(family_->arrays[i].type, std::span<const std::int64_t>(&value, 1), array);
}

void Results::set(std::string_view array, std::span<const double> values) {
  set(array, values, {values.size()});
}

void Results::set(std::string_view array, std::span<const std::int64_t> values) {
  const std::size_t i = index(array);
  given_[i] = true;
  arrays_[i] = convert(family_->arrays[i].type, values, array);
  extents_[i] = {values.size()};
}

void Results::set(std::string_view array, std::span<const double> values, std::vector<std::size_t> extents) {
  const std::size_t i = index(array);
  given_[i] = true;
  arrays_[i] = convert(family_->arrays[i].type, values, array);
  extents_[i] = std::move(extents);
}

void Results::status(Status status, std::string message) {
  status_ = status;
  message_ = std::move(message);
}

std::string Results::undefined() const {
  if (status_ != Status::done) return "";
  for (std::size_t i = 0; i < arrays_.size(); ++i) {
    if (!family_->arrays[i].undefined_where.empty()) continue;
    if (!given_[i]) return "array '" + family_->arrays[i].name + "' was not given";
    const auto* values = std::get_if<std::vector<double>>(&arrays_[i]);
    if (values == nullptr) continue;
    const auto first = std::find_if(values->begin(), values->end(), [](double x) { return std::isnan(x); });
    if (first != values->end()) {
      return "array '" + family_->arrays[i].name + "' is not a number" + place(*values, first - values->begin());
    }
  }
  return "";
}

void Results::leave_out_infinite() {
  if (status_ != Status::done) return;
  for (std::size_t i = 0; i < arrays_.size(); ++i) {
    auto* values = std::get_if<std::vector<double>>(&arrays_[i]);
    if (values == nullptr || !family_->arrays[i].infinite_where.empty()) continue;
    for (double& value : *values) {
      if (!std::isinf(value)) continue;
      if (message_.empty()) {
        status(Status::out_of_range, "array '" + family_->arrays[i].name + "' is infinite" +
                                         place(*values, &value - values->data()) +
                                         " (its value is beyond the largest number) such values are left out");
      }
      value = std::numeric_limits<double>::quiet_NaN();
    }
  }
}

void Results::fill(Record& record) && {
  record.status = status_;
  record.message = std::move(message_);
  record.arrays = std::move(arrays_);
  record.extents = std::move(extents_);
}

}  // namespace meander
