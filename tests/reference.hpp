// The folder of independent reference values, which is no part of the project: tests use it where it is.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace meander::testing_support {

/// The folder named by MEANDER_REFERENCE, else `shared/reference` beside the project; it need not exist.
inline std::filesystem::path reference_folder() {
  if (const char* given = std::getenv("MEANDER_REFERENCE")) return given;
  return std::filesystem::path(MEANDER_SOURCE_DIR) / ".." / "shared" / "reference";
}

/// The `data` of one of its JSON files; nothing where the file is not there.
inline std::optional<nlohmann::json> reference_data(const std::string& file) {
  std::ifstream stream(reference_folder() / file);
  if (!stream) return std::nullopt;
  return nlohmann::json::parse(stream).at("data");
}

}  // namespace meander::testing_support
