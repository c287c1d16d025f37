# cmake -DFILE=... -DCONSTANT=... -DOUT=... -P embed.cmake: a C++ file with FILE's text as a constant of that name.
file(READ "${FILE}" text)
get_filename_component(name "${FILE}" NAME)
file(WRITE "${OUT}" "// Written by the build from ${name}.
#include <string_view>

namespace meander {
extern const std::string_view ${CONSTANT};
const std::string_view ${CONSTANT} = R\"embedded(${text})embedded\";
}  // namespace meander
")
