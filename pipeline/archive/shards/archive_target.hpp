// Where an archive goes: links resolved, and whether it can be written there, names of its shards and temporaries
// included.
#pragma once

#include <string>

namespace meander {

/// The file that an archive's name stands for: where the name is a link, what it leads to (through further links),
/// which need not be there yet. Other names stay as they are given. Throws BadInput where links go round in circles.
std::string archive_target(const std::string& archive);

/// Throws BadInput where no archive can be written at `archive`: it is a folder or no regular file, or write-protected;
/// its folder is missing or cannot be written to; a name or path beside it would be too long. `aside`: what is there is
/// to be moved aside (--fresh). Touches nothing.
void check_target(const std::string& archive, bool aside);

}  // namespace meander
