// The folder of independent reference values, which is no part of the project: tests use it where it is.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace meander::testing_support {

/// The top of the source tree.
std::filesystem::path source_folder();

/// The folder named by MEANDER_REFERENCE, else `shared/reference` beside the project; it need not exist.
std::filesystem::path reference_folder();

/// The `data` of one of its JSON files; nothing where the file is not there.
std::optional<nlohmann::json> reference_data(const std::string& file);

}  // namespace meander::testing_support
