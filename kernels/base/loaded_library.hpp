// Heavy libraries are loaded when they are first asked for, not at every start: a room whose folder is called `library`
// is built as a module of its own, with one entry by which the room around it reaches everything else.
#pragma once

#include <filesystem>
#include <string>

namespace meander {

/// What a room knows of the module in its folder `library`.
struct LoadedLibrary {
  /// What is missing without it, as a message names it: "the eigenvalue solver SLEPc".
  std::string what;
  std::filesystem::path built;      // where it was built
  std::filesystem::path installed;  // the folder where an installation puts it, seen from the program's
};

/// The folder of the running program; empty where the system does not tell.
std::filesystem::path program_folder();

/// Loads the library from beside the program, from where an installation puts it, or from where it was built, the first
/// that exists and has the entry, and gives the address of `entry`, an `extern "C"` function. The library stays until
/// the process ends. Throws std::runtime_error with all reasons where there is none.
void* load_entry(const LoadedLibrary& library, const char* entry,
                 const std::filesystem::path& folder = program_folder());

}  // namespace meander

// Of the room around it; cmake/MeanderRooms.cmake tells its sources where the module is.
#define MEANDER_LOADED_LIBRARY(what)                                 \
  ::meander::LoadedLibrary {                                         \
    what, MEANDER_ROOM_LIBRARY_BUILT, MEANDER_ROOM_LIBRARY_INSTALLED \
  }
