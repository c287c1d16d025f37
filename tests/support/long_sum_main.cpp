// The program `meander` with one measure more, `long_sum`, whose tasks stop and go on.
#include <exception>

#include "pipeline/commands/command_line.hpp"
#include "pipeline/commands/commands.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/printing.hpp"
#include "slurm/submit.hpp"
#include "studies/measures/catalogue.hpp"
#include "tests/support/long_sum.hpp"

int main(int argc, char** argv) {
  try {
    meander::Catalogue catalogue = meander::all_measures();
    catalogue.add(meander::testing::long_sum_measure());
    return meander::command_line(argc, argv, catalogue, {meander::add_submit});
  } catch (const meander::BadInput& error) {
    meander::print_error("{}\n", error.what());
    return meander::exit_bad_input;
  } catch (const std::exception& error) {
    meander::print_error("{}\n", error.what());
    return meander::exit_failed;
  }
}
