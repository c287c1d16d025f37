// A site file: what a cluster offers and how jobs are started there.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/values/keys.hpp"

namespace meander {

struct Site {
  std::string partition;  // these three empty: the cluster's default
  std::string account;
  std::string qos;
  int cores_per_node = 1;
  double memory_per_node = 0.0;  // bytes; 0: not said, and nothing is asked for
  int max_nodes = 1;
  double max_time = std::numeric_limits<double>::infinity();  // seconds of one job
  std::string launcher = "srun";                              // "srun", "mpirun", or shell words
  std::string program;                                        // shell words; empty: this very program
  std::vector<std::string> modules;
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> setup;   // shell lines
  std::vector<std::string> sbatch;  // further options, one #SBATCH line each
  int signal_lead = 120;            // seconds before the end of a job at which it is told to stop
  int max_tries = 5;
  bool requeue = true;
};

/// The keys of a site file, all at its top.
std::vector<Key> site_keys();

/// Reads and checks the site file at `path`. Throws BadInput with every mistake found.
Site read_site(const std::string& path);
/// The same of a file's text; `path` is for messages.
Site parse_site(const std::string& text, const std::string& path);

}  // namespace meander
