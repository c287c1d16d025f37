# A Python 3 that has what analysis/ needs. The first `python3` on the path may lack the modules, so
# every candidate is asked.
set(MEANDER_PYTHON "" CACHE FILEPATH "Python 3 interpreter with xarray, h5netcdf, scipy and matplotlib")
if(NOT MEANDER_PYTHON)
  foreach(folder IN LISTS CMAKE_SYSTEM_PREFIX_PATH)
    list(APPEND system_folders "${folder}/bin")
  endforeach()
  find_program(python_on_path NAMES python3 NO_CACHE)
  find_program(python_of_system NAMES python3 PATHS ${system_folders} NO_DEFAULT_PATH NO_CACHE)
  foreach(candidate ${python_on_path} ${python_of_system} /usr/bin/python3)
    execute_process(COMMAND ${candidate} -c "import xarray, h5netcdf, scipy, matplotlib, pytest"
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(failed STREQUAL "0")
      set(MEANDER_PYTHON "${candidate}" CACHE FILEPATH "" FORCE)
      break()
    endif()
  endforeach()
endif()
if(MEANDER_PYTHON)
  message(STATUS "Python for the analysis: ${MEANDER_PYTHON}")
else()
  message(WARNING "No Python 3 with xarray, h5netcdf, scipy, matplotlib and pytest: no figures, and tests of archives are left out "
                  "(on Debian: apt-get install python3-xarray python3-h5netcdf python3-scipy python3-matplotlib python3-pytest)")
endif()

# `meander-plot` for the build tree and for the installation.
set(analysis_folder "${PROJECT_SOURCE_DIR}/analysis")
configure_file("${PROJECT_SOURCE_DIR}/cmake/meander-plot.in" "${PROJECT_BINARY_DIR}/meander-plot" @ONLY
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# Relative to the script's own place: `cmake --install --prefix` may choose another.
file(RELATIVE_PATH analysis_folder "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_DATADIR}/meander/analysis")
string(PREPEND analysis_folder [[$(dirname "$(readlink -f "$0")")/]])
configure_file("${PROJECT_SOURCE_DIR}/cmake/meander-plot.in" "${PROJECT_BINARY_DIR}/installed/meander-plot" @ONLY)
install(PROGRAMS "${PROJECT_BINARY_DIR}/installed/meander-plot" TYPE BIN)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/analysis/meander" DESTINATION ${CMAKE_INSTALL_DATADIR}/meander/analysis
  FILES_MATCHING PATTERN "*.py")
