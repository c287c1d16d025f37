// A command's answer as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "pipeline/values/terminal.hpp"

namespace meander {

/// On standard output, indented. Names of files and messages need not be UTF-8: what is not, is U+FFFD.
inline void print_json(const nlohmann::ordered_json& json) {
  print_output_json(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace meander
