// A study's keys as typed members: declared and read in one place.
//
//     struct Settings {
//       int bins = 0;
//       std::optional<std::vector<double>> range;
//       Parameter<double> keep;
//       explicit Settings(Declaration& declare) {
//         declare(bins, {.section = "spectrum", .name = "bins", .description = "...", .default_value = 100, .minimum =
//         1}); declare(range, {.section = "spectrum", .name = "range", .description = "..."}); declare(keep, {.section
//         = "spectrum", .name = "keep", .description = "...", .default_value = 1.0});
//       }
//     };
//
// Without a study that only lists the keys; with one, the members get its values. The C++ type says the rest: an
// std::optional may be left out of the study, a Parameter may be swept.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "pipeline/study/study.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"

namespace meander {

/// The words of an enumeration in a study file, in its order: specialise it to declare keys of the type.
template <class Enumeration>
constexpr std::array<std::string_view, 0> choice_names{};

/// How a C++ type is declared and decoded: `type`, `decode`, and `complete`, which may add to the declaration.
template <class T, class = void>
struct KeyTraits;

template <class T>
struct KeyTraits<T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>> {
  static constexpr KeyType type = KeyType::integer;
  static T decode(const Value& value) { return static_cast<T>(value.number()); }
};

template <>
struct KeyTraits<double> {
  static constexpr KeyType type = KeyType::number;
  static double decode(const Value& value) { return value.number(); }
};

template <>
struct KeyTraits<bool> {
  static constexpr KeyType type = KeyType::boolean;
  static bool decode(const Value& value) { return *value.get_if<bool>(); }
};

template <class T>
struct KeyTraits<std::vector<T>> {
  static constexpr KeyType type = std::is_integral_v<T> ? KeyType::integers : KeyType::numbers;
  static std::vector<T> decode(const Value& value) {
    std::vector<T> numbers;
    for (const Value& element : *value.get_if<List>()) numbers.push_back(static_cast<T>(element.number()));
    return numbers;
  }
};

template <class T>
struct KeyTraits<T, std::enable_if_t<std::is_enum_v<T>>> {
  static constexpr KeyType type = KeyType::string;
  static void complete(Key& key) { key.choices = {choice_names<T>.begin(), choice_names<T>.end()}; }
  static T decode(const Value& value) {
    const std::string& word = *value.get_if<std::string>();
    std::size_t index = 0;
    while (choice_names<T>.at(index) != word) ++index;
    return static_cast<T>(index);
  }
};

/// A file that the study names, or null. It belongs to the study.
template <>
struct KeyTraits<const StudyFile*> {
  static constexpr KeyType type = KeyType::file;
};

/// A parameter of the sweep, or of the whole study: each of its values decoded once.
template <class T>
class Parameter {
 public:
  /// Whether every point has a value.
  bool is_given() const;
  /// The value at a point; null where the study gives none.
  const T* find(const Point& point) const;
  /// As `find`; throws std::logic_error where there is none (a bug: what a measure needs it has to require).
  const T& operator()(const Point& point) const;
  T value_or(const Point& point, T otherwise) const;
  /// Each value that the study gives.
  const std::vector<T>& values() const { return values_; }

  void read(const Study& study, const Key& key);

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// Decodes a value, or finds it among those that were: names and tables are decoded once however many points share
  /// them.
  std::size_t place_of(const Value* value, std::map<std::string, std::size_t>& known);

  std::optional<std::size_t> dimension_;  // of the sweep; nothing: one value for all points
  std::vector<std::size_t> place_;        // for each of the dimension's values: which of `values_`, or none
  std::vector<T> values_;
};

class Declaration {
 public:
  /// Lists keys.
  Declaration() = default;
  /// Lists keys and reads them.
  explicit Declaration(const Study& study) : study_(&study) {}

  template <class T>
  void operator()(T& value, Key key);
  template <class T>
  void operator()(std::optional<T>& value, Key key);
  template <class T>
  void operator()(Parameter<T>& value, Key key);
  void operator()(const StudyFile*& file, Key key);

  std::vector<Key> keys() && { return std::move(keys_); }

 private:
  template <class T>
  static Key completed(Key key);

  const Study* study_ = nullptr;
  std::vector<Key> keys_;
};

/// The keys of a struct that declares them in its constructor.
template <class Declared>
std::vector<Key> keys_of() {
  Declaration declare;
  const Declared declared(declare);
  return std::move(declare).keys();
}

template <class T>
bool Parameter<T>::is_given() const {
  return !place_.empty() && std::find(place_.begin(), place_.end(), none) == place_.end();
}

template <class T>
const T* Parameter<T>::find(const Point& point) const {
  if (place_.empty()) return nullptr;
  const std::size_t place = place_[dimension_ ? point.indices()[*dimension_] : 0];
  return place == none ? nullptr : &values_[place];
}

template <class T>
const T& Parameter<T>::operator()(const Point& point) const {
  const T* value = find(point);
  if (value == nullptr) throw std::logic_error("a measure reads a parameter that its study does not give");
  return *value;
}

template <class T>
T Parameter<T>::value_or(const Point& point, T otherwise) const {
  const T* value = find(point);
  return value != nullptr ? *value : otherwise;
}

template <class T>
std::size_t Parameter<T>::place_of(const Value* value, std::map<std::string, std::size_t>& known) {
  if (value == nullptr) return none;
  if constexpr (KeyTraits<T>::type == KeyType::any) {
    const auto [found, is_new] = known.try_emplace(value->canonical(), values_.size());
    if (!is_new) return found->second;
  }
  values_.push_back(KeyTraits<T>::decode(*value));
  return values_.size() - 1;
}

template <class T>
void Parameter<T>::read(const Study& study, const Key& key) {
  std::map<std::string, std::size_t> known;
  for (std::size_t d = 0; d < study.sweep.size(); ++d) {
    const SweepDimension& dimension = study.sweep[d];
    const bool whole = dimension.name == key.name;
    if (!whole && dimension.name != "point") continue;
    for (const Value& value : dimension.values) {
      const Table* table = whole ? nullptr : value.get_if<Table>();
      place_.push_back(place_of(whole ? &value : table != nullptr ? table->find(key.name) : nullptr, known));
    }
    dimension_ = d;
    if (!values_.empty()) return;
    place_.clear();
    dimension_.reset();
  }
  if (const Value* value = study.setting(key.path())) place_.push_back(place_of(value, known));
}

template <class T>
Key Declaration::completed(Key key) {
  key.type = KeyTraits<T>::type;
  if constexpr (requires(Key k) { KeyTraits<T>::complete(k); }) KeyTraits<T>::complete(key);
  if (key.type == KeyType::integer || key.type == KeyType::integers) {
    // Beyond it a conversion to the member would mean nothing.
    if (!std::isfinite(key.maximum)) throw std::logic_error("key '" + key.path() + "' of whole numbers has no maximum");
  }
  return key;
}

template <class T>
void Declaration::operator()(T& value, Key key) {
  keys_.push_back(completed<T>(std::move(key)));
  if (study_ == nullptr) return;
  if (const Value* given = study_->setting(keys_.back().path())) value = KeyTraits<T>::decode(*given);
}

template <class T>
void Declaration::operator()(std::optional<T>& value, Key key) {
  key.optional = true;
  keys_.push_back(completed<T>(std::move(key)));
  if (study_ == nullptr) return;
  if (const Value* given = study_->setting(keys_.back().path())) value = KeyTraits<T>::decode(*given);
}

template <class T>
void Declaration::operator()(Parameter<T>& value, Key key) {
  key.sweepable = true;
  key.optional = key.optional || !key.default_value;
  keys_.push_back(completed<T>(std::move(key)));
  if (study_ != nullptr) value.read(*study_, keys_.back());
}

inline void Declaration::operator()(const StudyFile*& file, Key key) {
  key.optional = true;
  keys_.push_back(completed<const StudyFile*>(std::move(key)));
  if (study_ != nullptr) file = study_->file(keys_.back().path());
}

}  // namespace meander
