#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "pipeline/commands/commands.hpp"
#include "pipeline/commands/json_output.hpp"
#include "pipeline/machine/memory.hpp"
#include "pipeline/run/fit.hpp"
#include "pipeline/run/memory_need.hpp"
#include "pipeline/run/progress.hpp"
#include "pipeline/run/work.hpp"
#include "pipeline/schedule/simulate.hpp"
#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

/// Points of a family whose cost is asked for; of more, a sample is.
constexpr std::size_t most_costs = std::size_t{1} << 18;

struct Prediction {
  int ranks = 1;
  SimulatedRun run;
  int jobs_in_a_row = 1;  // 0: a task is too long for a job
};

/// What the tasks are together.
struct Sums {
  double core_seconds = 0.0;
  double longest = 0.0;
  double longest_whole = 0.0;  // of those that do not keep their state
  double bytes = 0.0;
  std::size_t keeping = 0;

  explicit Sums(const TaskList& tasks) {
    for (const TaskRun& run : tasks.runs()) {
      const Cost& cost = tasks.cost(run);
      core_seconds += cost.seconds * cost.ranks_per_task * static_cast<double>(run.size());
      longest = std::max(longest, cost.seconds);
      bytes = std::max(bytes, cost.bytes);
      if (cost.keeps) {
        keeping += run.size();
      } else {
        longest_whole = std::max(longest_whole, cost.seconds);
      }
    }
  }

  int jobs(double makespan, const PlanArguments& arguments) const {
    if (arguments.time_limit <= 0.0) return 1;
    if (longest_whole > arguments.time_limit) return 0;
    return jobs_in_a_row(makespan, arguments.time_limit, longest > arguments.time_limit, arguments.checkpoint_seconds);
  }
};

int widest_group(const Work& work) {
  int widest = 1;
  for (const Phase& phase : work.phases()) widest = std::max(widest, phase.ranks_per_task);
  return widest;
}

/// The rank counts to predict for: the one asked for, or this machine's and then larger ones, in whole groups.
std::set<int> rank_counts(const PlanArguments& arguments, const Work& work) {
  if (arguments.ranks > 0) return {arguments.ranks};
  std::set<int> counts{1, machine_cores()};
  for (const int count : {64, 1024, 16384, 100000}) counts.insert(count);
  const int widest = widest_group(work);
  std::set<int> whole;
  for (const int count : counts) whole.insert(std::max(widest, count - count % widest));
  return whole;
}

std::string bytes_text(double bytes) {
  if (bytes < 1 << 20) return fmt::format("{:.0f} KiB", bytes / 1024.0);
  if (bytes < 1 << 30) return fmt::format("{:.0f} MiB", bytes / (1 << 20));
  if (bytes < 1e15) return fmt::format("{:.1f} GiB", bytes / (1 << 30));
  return fmt::format("{:.3g} GiB", bytes / (1 << 30));
}

std::string hours_text(double hours) {
  return hours < 1000 || hours >= 1e9 ? fmt::format("{:.3g}", hours) : fmt::format("{:.0f}", hours);
}

/// JSON knows no infinity.
double finite(double value) {
  constexpr double largest = std::numeric_limits<double>::max();
  return std::isnan(value) ? largest : std::clamp(value, -largest, largest);
}

std::string need_text(const MemoryNeed& need) {
  const bool writing = need.writing > need.task + need.results;
  return fmt::format("program {}, study {}, {}", bytes_text(need.program), bytes_text(need.study),
                     writing ? "writing the archive " + bytes_text(need.writing)
                             : fmt::format("task {}, its results {}", bytes_text(need.task), bytes_text(need.results)));
}

nlohmann::ordered_json as_json(const Study& study, const SampledTasks& sample, const Work& work, const Sums& sums,
                               const MemoryNeed& need, bool limited, const std::vector<Prediction>& predictions) {
  nlohmann::ordered_json json;
  json["title"] = study.title;
  json["measure"] = study.measure;
  json["tasks"] = work.count();
  json["points"] = study.points();
  json["realizations"] = study.realizations;
  json["core_hours"] = finite(sums.core_seconds / 3600.0);
  if (sample.drawn < sample.points) {
    json["sampled_points"] = sample.drawn;
    json["core_hours_standard_error"] = finite(sample.core_seconds_error / 3600.0);
  }
  json["longest_task_seconds"] = finite(sums.longest);
  json["largest_task_bytes"] = finite(sums.bytes);
  json["bytes_per_rank"] = finite(need.total());
  json["tasks_that_keep"] = sums.keeping;
  json["ranks_per_task"] = widest_group(work);
  for (const Prediction& prediction : predictions) {
    json["predictions"].push_back({{"ranks", prediction.ranks},
                                   {"seconds", finite(prediction.run.makespan)},
                                   {"efficiency", finite(prediction.run.efficiency)}});
    if (limited) json["predictions"].back()["jobs_in_a_row"] = prediction.jobs_in_a_row;
  }
  if (predictions.size() == 1) {
    json["ranks"] = predictions.front().ranks;
    json["seconds"] = finite(predictions.front().run.makespan);
    json["efficiency"] = finite(predictions.front().run.efficiency);
    if (limited) json["jobs_in_a_row"] = predictions.front().jobs_in_a_row;
  }
  return json;
}

}  // namespace

int plan_command(const PlanArguments& arguments, const Catalogue& catalogue) {
  const auto [study, measurement] = arguments.study.read(catalogue);
  const SampledTasks sample = sample_tasks(study, *measurement, most_costs);
  const Work work = choose_work(sample.tasks);
  if (arguments.ranks > 0) {
    if (const auto problem = group_problem(study, work, arguments.ranks)) throw BadInput(*problem);
  }
  const Sums sums(sample.tasks);
  const MemoryNeed need = memory_need(study, measurement->layout(), work);
  const bool limited = arguments.time_limit > 0.0;
  std::vector<Prediction> predictions;
  for (const int ranks : rank_counts(arguments, work)) {
    const SimulatedMachine machine{.ranks = ranks, .ranks_per_node = std::min(ranks, arguments.ranks_per_node)};
    const SimulatedRun run = simulate_schedule(work.phases(), machine);
    predictions.push_back({ranks, run, sums.jobs(run.makespan, arguments)});
  }
  if (arguments.json) {
    print_json(as_json(study, sample, work, sums, need, limited, predictions));
    return exit_done;
  }
  print_output("{}\n", one_line(study.title.empty() ? arguments.study.study : study.title));
  print_output("  measure       {}\n", study.measure);
  print_output("  tasks         {} ({} points, {} realizations)\n", work.count(), study.points(), study.realizations);
  print_output("  core-hours    {}\n", hours_text(sums.core_seconds / 3600.0));
  if (sample.drawn < sample.points) {
    print_output("  estimated     from {} of {} points drawn at random: core-hours +- {:.1g}, one standard error\n",
                 sample.drawn, sample.points, sample.core_seconds_error / 3600.0);
  }
  print_output("  longest task  {}\n", duration_text(sums.longest));
  if (sums.keeping > 0) {
    print_output("  long tasks    {} keep their state: they go on after a stop and may be longer than a job\n",
                 sums.keeping == sample.tasks.size() ? "all" : fmt::format("{} of them", sums.keeping));
  }
  if (widest_group(work) > 1) print_output("  a task        is shared by {} ranks\n", widest_group(work));
  print_output("  largest task  {} on each of its ranks\n", bytes_text(sums.bytes));
  print_output("  memory        {} a rank at its peak: {}\n\n", bytes_text(need.total()), need_text(need));
  print_output("  {:>8}  {:>12}  {:>10}{}\n", "ranks", "time", "efficiency", limited ? "  jobs in a row" : "");
  for (const Prediction& prediction : predictions) {
    print_output("  {:>8}  {:>12}  {:>8.1f} %", prediction.ranks, duration_text(prediction.run.makespan),
                 100.0 * prediction.run.efficiency);
    if (limited) {
      print_output("  {:>13}", prediction.jobs_in_a_row > 0 ? std::to_string(prediction.jobs_in_a_row) : "too short");
    }
    print_output("\n");
  }
  print_output("\nPredicted by simulating the schedule with the cost model ({} ranks a node); nothing was run.\n",
               arguments.ranks_per_node);
  return exit_done;
}

}  // namespace meander
