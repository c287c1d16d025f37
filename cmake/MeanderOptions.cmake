# Compiler settings that every target shares.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Programs find their libraries in the same folders wherever they lie. (A run path that an installation is to replace
# would be padded with ':', and an empty entry is the working directory: whatever lies there would be loaded.)
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(meander_options INTERFACE)
target_compile_features(meander_options INTERFACE cxx_std_20)
target_include_directories(meander_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(meander_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
# GCC 12 sees an overlap in every concatenation of strings (its bug 105651).
target_compile_options(meander_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# Fused multiply-add changes the last bit, so it is used only where a kernel asks for it by name.
target_compile_options(meander_options INTERFACE -ffp-contract=off)
# Square roots that set errno and comparisons that might trap stay scalar; neither changes a value.
target_compile_options(meander_options INTERFACE -fno-math-errno -fno-trapping-math)
# A program loads only the libraries that it calls.
target_link_options(meander_options INTERFACE LINKER:--as-needed)
target_compile_definitions(meander_options INTERFACE OMPI_SKIP_MPICXX=1 MPICH_SKIP_MPICXX=1)
if(MEANDER_WARNINGS_AS_ERRORS)
  target_compile_options(meander_options INTERFACE -Werror)
endif()
if(NOT MEANDER_PORTABLE)
  target_compile_options(meander_options INTERFACE -march=native)
endif()
if(MEANDER_SANITIZE)
  target_compile_options(meander_options INTERFACE -fsanitize=${MEANDER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(meander_options INTERFACE -fsanitize=${MEANDER_SANITIZE})
  # The sanitizers' own code makes GCC see uninitialised members of std::optional and std::variant.
  target_compile_options(meander_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
