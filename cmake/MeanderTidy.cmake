# `cmake --build build/release --target tidy`: clang-tidy over the files that differ from `main`, or over all.
option(MEANDER_TIDY_ALL "Let the target tidy read every file, which takes an hour on two cores" OFF)
find_program(MEANDER_CLANG_TIDY clang-tidy)
if(MEANDER_CLANG_TIDY AND MEANDER_PYTHON)
  add_custom_target(tidy
    COMMAND ${MEANDER_PYTHON} "${PROJECT_SOURCE_DIR}/cmake/tidy.py" "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}"
      "$<$<BOOL:${MEANDER_TIDY_ALL}>:--all>"
    COMMAND_EXPAND_LISTS VERBATIM USES_TERMINAL)
  add_dependencies(tidy meander_version_header)
endif()
