#include "tests/support/reference.hpp"

#include <cstdlib>
#include <fstream>

namespace meander::testing_support {

std::filesystem::path source_folder() {
  return MEANDER_SOURCE_DIR;
}

std::filesystem::path reference_folder() {
  if (const char* given = std::getenv("MEANDER_REFERENCE")) return given;
  return source_folder() / ".." / "shared" / "reference";
}

std::optional<nlohmann::json> reference_data(const std::string& file) {
  std::ifstream stream(reference_folder() / file);
  if (!stream) return std::nullopt;
  return nlohmann::json::parse(stream).at("data");
}

}  // namespace meander::testing_support
