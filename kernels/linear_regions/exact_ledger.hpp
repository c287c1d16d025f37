// What is learned from the piece boundaries of all layers in order of t: linear pieces, patterns, gaps,
// events.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "kernels/linear_regions/exact_curve.hpp"
#include "kernels/linear_regions/exact_layer.hpp"
#include "kernels/networks/pattern_set.hpp"

namespace meander {

class ExactLedger {
 public:
  /// Layers first_layer .. first_layer + words.size() - 1; `words` are the hash words of their neurons. Patterns are
  /// collected where asked for and not on a line.
  ExactLedger(int first_layer, std::span<const std::vector<PatternHash>> words, bool line, const ExactOptions& options);

  /// The boundaries of one stretch that begins at t = `base`, in order.
  void add(double base, const std::vector<Boundary>& boundaries);
  /// Fills in pieces, patterns, gaps and events. `period` of a closed curve, 0 of an open one.
  void finish(double period, ExactCounts& counts);

 private:
  /// t, split so that differences within one stretch are exact.
  struct Position {
    double base, distance, blur;
    FinePlace fine;
    std::int64_t stretch;
  };
  struct LayerBook {
    std::int64_t distinct = 0;
    Position first{}, last{};  // where distinct > 0
    PatternHash hash;
    PatternSet patterns;
  };
  static double between(const Position& a, const Position& b) { return (b.base - a.base) + (b.distance - a.distance); }
  /// How far b lies behind a to all digits, where the stretches tell: on one, or on one and the next.
  static std::optional<double> fine_distance(const Position& a, const Position& b);
  static bool are_one(const Position& a, const Position& b);
  struct Closing {
    double gap;
    bool are_one, unresolved;
  };
  Closing closing(const Position& first, const Position& last, double period) const;
  void meet(double gap, bool unresolved);

  int first_layer_;
  std::span<const std::vector<PatternHash>> words_;
  bool line_, patterns_, keep_events_;
  std::vector<LayerBook> books_;
  std::optional<Position> first_, last_;
  std::int64_t stretches_ = 0;
  double smallest_gap_;
  std::int64_t unresolved_ = 0;
  std::vector<ExactEvent> events_;
};

}  // namespace meander
