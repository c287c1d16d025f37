// Labels of one coordinate of an archive: no two values may share one, or nobody could tell their cells apart.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "pipeline/values/value.hpp"

namespace meander {

class Labels {
 public:
  /// Takes the value in; the problem where another value before it has its label.
  std::optional<std::string> add(const std::string& coordinate, const Value& value);

 private:
  struct Taken {
    std::string canonical, toml;
  };
  std::map<std::pair<std::string, std::string>, Taken> taken_;  // by coordinate and label
};

}  // namespace meander
