#include "pipeline/schedule/costs.hpp"

#include <algorithm>
#include <cmath>

namespace meander {
namespace {

/// Tasks that cost nothing take a little time all the same.
double weight(double seconds) {
  return seconds + 1e-6;
}

}  // namespace

Costs::Costs(std::span<const double> seconds) {
  for (const double cost : seconds) append(cost);
}

void Costs::append(double seconds, std::size_t count) {
  if (count == 0) return;
  if (!runs_.empty() && runs_.back().seconds == seconds) {
    runs_.back().end += count;
  } else {
    runs_.push_back({seconds, size() + count});
  }
}

double Costs::operator[](std::size_t task) const {
  if (runs_.size() == 1) return runs_.front().seconds;
  return std::upper_bound(runs_.begin(), runs_.end(), task, [](std::size_t at, const Run& run) { return at < run.end; })
      ->seconds;
}

double Costs::total() const {
  double sum = 0.0;
  std::uint64_t begin = 0;
  for (const Run& run : runs_) {
    sum += run.seconds * static_cast<double>(run.end - begin);
    begin = run.end;
  }
  return sum;
}

Costs coarsened(const Costs& costs, std::size_t most, double& coarsest) {
  coarsest = 0.0;
  if (costs.size() <= most) return costs;
  const std::size_t joined = costs.size() - most / 2;
  double seconds = 0.0;  // of what is joined
  std::uint64_t begin = 0;
  for (const Costs::Run& run : costs.runs()) {
    if (begin < joined)
      seconds += weight(run.seconds) * static_cast<double>(std::min<std::uint64_t>(run.end, joined) - begin);
    begin = run.end;
  }
  const double wanted = seconds / static_cast<double>(most - most / 2);
  Costs coarse;
  begin = 0;
  for (const Costs::Run& run : costs.runs()) {
    const std::uint64_t end = std::max(begin, std::min<std::uint64_t>(run.end, joined));
    const auto piece = static_cast<std::uint64_t>(std::ceil(wanted / weight(run.seconds)));
    const std::uint64_t rest = (end - begin) % piece;
    coarse.append(run.seconds * static_cast<double>(piece), (end - begin) / piece);
    if (rest > 0) coarse.append(run.seconds * static_cast<double>(rest));
    coarsest = std::max(coarsest, run.seconds * static_cast<double>(std::min(piece, end - begin)));
    coarse.append(run.seconds, run.end - end);
    begin = run.end;
  }
  return coarse;
}

}  // namespace meander
