# Version, commit, compiler and flags, for the provenance in archives. The commit is looked up at
# every build, so that it is never stale.
add_library(meander_version INTERFACE)
set(version_header "${PROJECT_BINARY_DIR}/generated/meander_version.hpp")
find_package(Git QUIET)
add_custom_target(meander_version_header
  COMMAND ${CMAKE_COMMAND} -DGIT=${GIT_EXECUTABLE} -DSOURCE=${PROJECT_SOURCE_DIR} -DOUT=${version_header}
    -DVERSION=${PROJECT_VERSION} "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    "-DFLAGS=${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_RELEASE} $<IF:$<BOOL:${MEANDER_PORTABLE}>,portable,-march=native>"
    -P "${PROJECT_SOURCE_DIR}/cmake/write_version.cmake"
  BYPRODUCTS ${version_header} VERBATIM)
target_include_directories(meander_version INTERFACE "${PROJECT_BINARY_DIR}/generated")
add_dependencies(meander_version meander_version_header)
