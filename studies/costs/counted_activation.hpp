// An activation that counts how often it is asked: what theory takes is counted, not timed, so that a plan is the same
// wherever it is made.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/networks/activation.hpp"

namespace meander {

/// Whether its Gaussian averages have closed forms, or finite sums.
bool has_closed_averages(const Activation& activation);

class CountedActivation {
 public:
  /// Where averages have closed forms the function itself, which is not counted.
  explicit CountedActivation(const Activation& activation);

  /// The same function, with all that is known about it.
  const Activation& activation() const { return activation_; }
  /// Values and derivatives that `work` asks it for.
  template <class Work>
  double evaluations(const Work& work) const {
    *count_ = 0;
    work();
    return static_cast<double>(*count_);
  }

 private:
  std::shared_ptr<std::uint64_t> count_;
  Activation activation_;
};

}  // namespace meander
