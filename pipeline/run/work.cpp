#include "pipeline/run/work.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace meander {
namespace {

bool same(const Cost& a, const Cost& b) {
  return a.seconds == b.seconds && a.bytes == b.bytes && a.ranks_per_task == b.ranks_per_task && a.keeps == b.keeps;
}

}  // namespace

std::size_t Work::phase_of(const Cost& cost) {
  for (std::size_t p = 0; p < phases_.size(); ++p) {
    if (phases_[p].ranks_per_task == cost.ranks_per_task) return p;
  }
  phases_.push_back({cost.ranks_per_task, {}});
  runs_.emplace_back();
  return phases_.size() - 1;
}

std::uint32_t Work::kind_of(std::uint32_t family, const Cost& cost) {
  if (kinds_.empty() || kinds_.back().family != family || !same(kinds_.back().cost, cost)) {
    kinds_.push_back({family, cost});
  }
  return static_cast<std::uint32_t>(kinds_.size() - 1);
}

void Work::append(std::uint32_t family, std::size_t cell, std::size_t count, const Cost& cost) {
  if (count == 0) return;
  const std::size_t p = phase_of(cost);
  const std::uint32_t kind = kind_of(family, cost);
  const std::size_t begin = phases_[p].seconds.size();
  phases_[p].seconds.append(cost.seconds, count);
  const auto end = static_cast<std::uint32_t>(begin + count);
  std::vector<Run>& runs = runs_[p];
  if (!runs.empty() && runs.back().kind == kind) {
    const std::size_t first = runs.size() > 1 ? runs[runs.size() - 2].end : 0;
    if (runs.back().cell + (begin - first) * stride_ == cell) {
      runs.back().end = end;
      return;
    }
  }
  runs.push_back({kind, static_cast<std::uint32_t>(cell), end});
}

TaskRef Work::task(std::size_t phase, std::size_t index) const {
  const std::vector<Run>& runs = runs_[phase];
  const auto run = std::upper_bound(runs.begin(), runs.end(), index,
                                    [](std::size_t at, const Run& candidate) { return at < candidate.end; });
  const std::size_t first = run == runs.begin() ? 0 : std::prev(run)->end;
  const Kind& kind = kinds_[run->kind];
  return {kind.family, run->cell + (index - first) * stride_, kind.cost};
}

std::size_t Work::count() const {
  std::size_t tasks = 0;
  for (const Phase& phase : phases_) tasks += phase.seconds.size();
  return tasks;
}

double Work::seconds() const {
  double sum = 0.0;
  for (const Phase& phase : phases_) sum += phase.seconds.total();
  return sum;
}

void Work::each_run(const std::function<void(const TaskRef&, std::size_t)>& visit) const {
  for (const std::vector<Run>& runs : runs_) {
    std::size_t begin = 0;
    for (const Run& run : runs) {
      visit({kinds_[run.kind].family, run.cell, kinds_[run.kind].cost}, run.end - begin);
      begin = run.end;
    }
  }
}

Work Work::dealt(int parts) const {
  const auto step = static_cast<std::size_t>(parts);
  Work part(static_cast<std::uint32_t>(stride_ * step));
  for (const std::vector<Run>& runs : runs_) {
    std::size_t begin = 0;
    for (const Run& run : runs) {
      const std::size_t first = (begin + step - 1) / step * step;
      if (first < run.end) {
        part.append(kinds_[run.kind].family, run.cell + (first - begin) * stride_, (run.end - first + step - 1) / step,
                    kinds_[run.kind].cost);
      }
      begin = run.end;
    }
  }
  return part;
}

std::vector<Word> Work::packed() const {
  std::vector<Word> words;
  WordWriter out(words);
  out.number(stride_);
  out.numbers(kinds_.data(), kinds_.size());
  for (std::size_t p = 0; p < phases_.size(); ++p) {
    out.number(phases_[p].ranks_per_task);
    out.numbers(phases_[p].seconds.runs().data(), phases_[p].seconds.runs().size());
    out.numbers(runs_[p].data(), runs_[p].size());
  }
  return words;
}

Work Work::unpacked(const std::vector<Word>& words) {
  WordReader from(words);
  Work work(from.number<std::uint32_t>());
  work.kinds_ = from.numbers<std::vector<Kind>>();
  while (!from.empty()) {
    Phase phase{from.number<int>(), {}};
    std::uint64_t begin = 0;
    for (const Costs::Run& run : from.numbers<std::vector<Costs::Run>>()) {
      phase.seconds.append(run.seconds, run.end - begin);
      begin = run.end;
    }
    work.phases_.push_back(std::move(phase));
    work.runs_.push_back(from.numbers<std::vector<Run>>());
  }
  return work;
}

std::vector<std::size_t> largest_first(const TaskList& tasks) {
  std::vector<std::size_t> order(tasks.runs().size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return tasks.cost(tasks.runs()[a]).seconds > tasks.cost(tasks.runs()[b]).seconds;
  });
  return order;
}

Work choose_work(const TaskList& tasks, const Share& share,
                 const std::function<bool(std::size_t family, std::size_t cell)>& wanted) {
  const auto parts = static_cast<std::size_t>(share.parts);
  Work work(static_cast<std::uint32_t>(parts));
  std::size_t dealt = 0;  // tasks before this run
  for (const std::size_t index : largest_first(tasks)) {
    const TaskRun& run = tasks.runs()[index];
    const Cost& cost = tasks.cost(run);
    const std::size_t skipped = (static_cast<std::size_t>(share.part) - 1 + parts - dealt % parts) % parts;
    dealt += run.size();
    const std::size_t first = run.begin + skipped;
    if (first >= run.end) continue;
    if (!wanted) {
      work.append(run.family, first, (run.end - first + parts - 1) / parts, cost);
      continue;
    }
    for (std::size_t cell = first; cell < run.end; cell += parts) {
      if (wanted(run.family, cell)) work.append(run.family, cell, 1, cost);
    }
  }
  return work;
}

int jobs_in_a_row(double makespan, double usable, bool cut, double interval) {
  if (cut && usable < 2.0 * interval) return 0;
  constexpr double most_jobs = 1e9;
  const double each = cut ? usable - std::min(interval, usable / 4.0) : usable;
  return static_cast<int>(std::clamp(std::ceil(makespan / each), 1.0, most_jobs));
}

}  // namespace meander
