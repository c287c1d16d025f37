# Some kernels are compiled for several generations of processors, one source file each, and choose among them as they run
# (kernels/base/processor.hpp): what a file's name ends in says for which.
function(meander_processor_options)
  foreach(generation IN ITEMS "baseline x86-64" "x86_64_v3 x86-64-v3" "x86_64_v4 x86-64-v4")
    separate_arguments(generation)
    list(GET generation 0 name)
    list(GET generation 1 architecture)
    set(sources ${ARGN})
    list(FILTER sources INCLUDE REGEX "_${name}\\.cpp$")
    if(sources AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
      set_property(SOURCE ${sources} APPEND PROPERTY COMPILE_OPTIONS -march=${architecture})
    endif()
  endforeach()
  # In the random stream, independent chains of operations are to take turns instead of waiting each for itself.
  set(sources ${ARGN})
  list(FILTER sources INCLUDE REGEX "/random_lanes_[a-z0-9_]+\\.cpp$")
  if(sources)
    set_property(SOURCE ${sources} APPEND PROPERTY COMPILE_OPTIONS
      $<$<CXX_COMPILER_ID:GNU>:-fschedule-insns> $<$<CXX_COMPILER_ID:GNU>:-fsched-pressure>)
  endif()
endfunction()
