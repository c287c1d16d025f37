#include "tests/support/reference.hpp"

#include <fstream>
#include <stdexcept>

namespace meander::testing_support {

std::filesystem::path source_folder() {
  return MEANDER_SOURCE_DIR;
}

nlohmann::json reference_data(const std::string& file) {
  const std::filesystem::path path = source_folder() / "tests" / "reference" / file;
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error(path.string() + ": cannot be read");
  return nlohmann::json::parse(stream).at("data");
}

std::filesystem::path reference_network(const std::string& name) {
  return source_folder() / "tests" / "reference" / "networks" / (name + ".h5");
}

}  // namespace meander::testing_support
