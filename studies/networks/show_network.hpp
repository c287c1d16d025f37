// `meander show` of a network file.
#pragma once

#include <string>

namespace meander {

/// Prints what the network file at `path` holds: its layers as a short table, its readout, and what else there is.
/// False, and nothing printed, where it is no network file. Throws BadInput where it is a faulty one.
bool show_network(const std::string& path);

}  // namespace meander
