// The commands of `meander`, each one a function that gives the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "pipeline/measure.hpp"

namespace meander {

/// What a chosen command does when the command line was read.
using Action = std::function<int()>;

/// Each adds its subcommand; `action` is set where the user chose it.
void add_run(CLI::App& app, const Catalogue& catalogue, Action& action);
void add_plan(CLI::App& app, const Catalogue& catalogue, Action& action);
void add_list(CLI::App& app, const Catalogue& catalogue, Action& action);
void add_status(CLI::App& app, Action& action);
void add_show(CLI::App& app, Action& action);
void add_merge(CLI::App& app, Action& action);
void add_check(CLI::App& app, Action& action);
void add_export(CLI::App& app, const Catalogue& catalogue, Action& action);

}  // namespace meander
