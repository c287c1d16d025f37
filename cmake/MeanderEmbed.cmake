# meander_embed(TARGET FILE CONSTANT): the text of FILE becomes TARGET's constant `std::string_view meander::CONSTANT`, for
# texts that tools of their own language are to read, too.
function(meander_embed target file constant)
  set(written "${CMAKE_CURRENT_BINARY_DIR}/generated/${constant}.cpp")
  set(script "${PROJECT_SOURCE_DIR}/cmake/embed.cmake")
  add_custom_command(OUTPUT "${written}"
    COMMAND ${CMAKE_COMMAND} "-DFILE=${PROJECT_SOURCE_DIR}/${file}" -DCONSTANT=${constant} "-DOUT=${written}" -P "${script}"
    DEPENDS "${PROJECT_SOURCE_DIR}/${file}" "${script}" VERBATIM)
  target_sources(${target} PRIVATE "${written}")
endfunction()
