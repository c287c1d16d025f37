// Stretches on which rounding may have chosen are walked again with more digits.
#pragma once

#include "kernels/linear_regions/exact_wide.hpp"

namespace meander {

template <bool curved>
class ExactCertificate {
 public:
  ExactCertificate(const ExactNetwork::Prepared& network, const FirstLayer& first, bool lengths);

  /// Whether the walk's last stretch had better be cut before it is settled: it is so long that all its layers with
  /// many digits would take much longer than they took without.
  bool wants_shorter(const ExactWalk<curved>& walk) const;
  /// Settles the walk's last stretch, from t to `next`, or to the end of the circle. What rounding had right keeps its
  /// bits. Where a curve has had as much of this as is good for it (tens of seconds), a stretch stays as it is, and
  /// what is doubtful on it in its tally.
  void settle(ExactWalk<curved>& walk, double t, double next, bool closes);

 private:
  double cost(const ExactWalk<curved>& walk) const;
  bool agree(const ExactWalk<curved>& walk, const WideStretch& wide) const;

  int first_layer_;
  bool lengths_;
  double weights_ = 0.0;  // numbers of all layers but the first
  double spent_ = 0.0;
  WideWalk wide_;
};

}  // namespace meander
