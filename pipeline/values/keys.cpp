// The keys that every study has, and keys in words.
#include "pipeline/values/keys.hpp"

#include <fmt/format.h>

#include <cmath>

namespace meander {

std::vector<Key> common_keys() {
  constexpr double most_integers = 2147483647.0;
  std::vector<Key> keys;
  keys.push_back(
      {.name = "title", .type = KeyType::string, .description = "What the study is about", .default_value = ""});
  keys.push_back(
      {.name = "measure", .type = KeyType::string, .description = "What is measured: a name of `meander list`"});
  keys.push_back(
      {.name = "measure_version",
       .type = KeyType::integer,
       .description = "Version of the measure that the study was written for; an archive's own study holds it",
       .optional = true,
       .minimum = 1});
  keys.push_back({.name = "seed",
                  .type = KeyType::integer,
                  .description = "Seed of the random numbers",
                  .default_value = 0,
                  .minimum = 0});
  keys.push_back({.name = "realizations",
                  .type = KeyType::integer,
                  .description = "Independent draws of each point of the sweep",
                  .default_value = 1,
                  .minimum = 1,
                  .maximum = most_integers});
  keys.push_back({.name = "precision",
                  .type = KeyType::string,
                  .description = "Floating-point numbers of the computation, where a measure offers the choice",
                  .default_value = "double",
                  .choices = {"double", "single"}});
  keys.push_back(
      {.name = "coupling",
       .type = KeyType::string,
       .description = "Random numbers shared by all points of the sweep (common), or each point's own (independent)",
       .default_value = "common",
       .choices = {"common", "independent"}});
  return keys;
}

std::string describe_type(const Key& key) {
  switch (key.type) {
    case KeyType::integer:
      return "an integer";
    case KeyType::number:
      return "a number";
    case KeyType::boolean:
      return "true or false";
    case KeyType::string:
      return "a text in quotes";
    case KeyType::integers:
      return "a list of integers";
    case KeyType::numbers:
      return "a list of numbers";
    case KeyType::file:
      return "a file's path in quotes";
    case KeyType::any:
      break;
  }
  return "a number, a name in quotes or a table";
}

std::string describe_bounds(const Key& key) {
  const auto number = [](double value) {
    return value == std::floor(value) && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value)
                                                                : fmt::format("{}", value);
  };
  std::string text;
  if (std::isfinite(key.minimum)) text = (key.minimum_exclusive ? "greater than " : "at least ") + number(key.minimum);
  if (std::isfinite(key.maximum)) text += (text.empty() ? "at most " : " and at most ") + number(key.maximum);
  return text;
}

}  // namespace meander
