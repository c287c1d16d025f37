// What lies at an archive's path before a run, and whether it belongs to the study.
#pragma once

#include <string>
#include <vector>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/measure/layout.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

/// The archive and the shards beside it.
struct Existing {
  bool archive = false;
  /// The study and layout that hold what is there and what `study` asks for.
  Study united;
  Layout layout;
  Attributes attributes{};             // of the archive
  std::vector<std::string> sources{};  // the archive, if any, and the readable shards
  std::string warning{};
  /// The archive alone holds everything, under this very study's text.
  bool complete_as_it_is = false;
};

/// Looks and changes nothing. Throws BadInput where what is there is not an archive or another
/// study's; with `fresh` any archive will do, because it is to be replaced. Unreadable shards are
/// left out with a warning on stderr.
Existing look_at_existing(const std::string& archive, const Study& study, const Layout& layout, bool fresh);

/// Moves the archive, its shards and the kept states of its tasks aside: to ARCHIVE.before-1 and
/// ARCHIVE.before-1.shards, or the first such number of which nothing is there. Gives that name, or nothing where there
/// was nothing to move. The caller holds the archive's lock, whose file stays. Throws std::runtime_error where a file
/// cannot be moved; what was moved then is aside, the rest in its place.
std::string start_over(const std::string& archive);

}  // namespace meander
