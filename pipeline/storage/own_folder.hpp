// Folders that the program writes its own files into: not to be led elsewhere by a link that somebody has prepared.
#pragma once

#include <string>

namespace meander {

/// Opens the folder, which is made where it is missing (its parent is there), without following a link. Gives the
/// descriptor, which the caller closes. Throws std::runtime_error where `path` is a link, no folder, or another user's.
int open_own_folder(const std::string& path);

/// The same without keeping it open.
void require_own_folder(const std::string& path);

}  // namespace meander
