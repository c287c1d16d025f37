// Independent reference values, tests/reference: what a file holds and how it was computed stands in the README there.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace meander::testing_support {

/// The top of the source tree.
std::filesystem::path source_folder();

/// The `data` of one of its JSON files. Throws std::runtime_error where it cannot be read.
nlohmann::json reference_data(const std::string& file);

/// The file of one of its networks, for a study that names it.
std::filesystem::path reference_network(const std::string& name);

}  // namespace meander::testing_support
