// Tries the places one after the other, and keeps why each was none.
#include "kernels/base/loaded_library.hpp"

#include <dlfcn.h>

#include <stdexcept>
#include <string>
#include <system_error>

namespace meander {

std::filesystem::path program_folder() {
  std::error_code unknown;
  return std::filesystem::read_symlink("/proc/self/exe", unknown).parent_path();
}

void* load_entry(const LoadedLibrary& library, const char* entry, const std::filesystem::path& folder) {
  const std::filesystem::path name = library.built.filename();
  std::string reasons;
  for (const std::filesystem::path& place : {folder / name, folder / library.installed / name, library.built}) {
    std::error_code unreadable;
    // A relative place would be one in the working directory, or one that the loader looks up anywhere.
    if (!place.is_absolute() || !std::filesystem::exists(place, unreadable)) continue;
    // Never closed: such libraries keep state that cannot be started twice in a process, as PETSc does.
    void* loaded = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (void* found = loaded != nullptr ? dlsym(loaded, entry) : nullptr; found != nullptr) return found;
    const char* reason = dlerror();
    reasons += (reasons.empty() ? "" : "; ") + std::string(reason != nullptr ? reason : "its entry is empty");
  }
  throw std::runtime_error(library.what + " could not be loaded (" +
                           (reasons.empty() ? "its library was not found beside the program" : reasons) +
                           "), install meander with it");
}

}  // namespace meander
