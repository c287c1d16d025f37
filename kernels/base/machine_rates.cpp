// One set of rates for the process.
#include "kernels/base/machine_rates.hpp"

namespace meander {
namespace {

MachineRates& rates() {
  static MachineRates current;
  return current;
}

}  // namespace

const MachineRates& machine_rates() {
  return rates();
}

void set_machine_rates(const MachineRates& measured) {
  rates() = measured;
}

}  // namespace meander
