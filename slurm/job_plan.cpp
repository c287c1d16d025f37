#include "slurm/job_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "pipeline/run/progress.hpp"
#include "pipeline/run/work.hpp"
#include "pipeline/schedule/simulate.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "slurm/duration.hpp"

namespace meander {
namespace {

constexpr double wanted_efficiency = 0.9;
constexpr double worth_a_start = 300.0;  // seconds of computing
constexpr double time_margin = 1.5;      // the cost model knows a current core, not this one
constexpr double start_up = 300.0;       // seconds for loading, reading and writing

/// Nodes that `ranks` fill.
int nodes_for(int ranks, int ranks_per_node) {
  return (ranks + ranks_per_node - 1) / ranks_per_node;
}

int most_ranks_per_node(const JobPlan& plan, const Site& site) {
  if (site.memory_per_node <= 0.0) return site.cores_per_node;
  const double fit = std::floor(site.memory_per_node / plan.bytes);
  if (fit < 1.0) {
    throw BadInput(fmt::format(
        "error: a task needs {:.1f} GB on one rank (a node has memory_per_node_gb = {:g}) choose a partition with more "
        "memory, or smaller networks",
        plan.bytes / 1e9, site.memory_per_node / 1e9));
  }
  return static_cast<int>(std::min<double>(fit, site.cores_per_node));
}

/// 1, 2, 4, ... ranks on one node, then whole nodes; in whole groups of `group` ranks.
std::vector<int> rank_counts(int per_node, int max_nodes, int group) {
  std::set<int> counts;
  for (int ranks = 1; ranks < per_node; ranks *= 2) counts.insert(ranks);
  for (int nodes = 1; nodes < max_nodes; nodes *= 2) counts.insert(nodes * per_node);
  counts.insert(max_nodes * per_node);
  std::set<int> whole;
  for (const int ranks : counts) whole.insert(ranks - ranks % group);
  whole.erase(0);
  return {whole.begin(), whole.end()};
}

void check_wishes(const JobWishes& wishes, const Site& site, int per_node, int widest) {
  const auto refuse = [](const std::string& text) { throw BadInput("error: " + text); };
  const int most = site.max_nodes * per_node;
  if (wishes.nodes && *wishes.nodes > site.max_nodes) {
    refuse(
        fmt::format("--nodes {} (the site file allows max_nodes = {}) ask for fewer", *wishes.nodes, site.max_nodes));
  }
  const int nodes = wishes.nodes.value_or(site.max_nodes);
  if (wishes.ranks && *wishes.ranks > nodes * per_node) {
    refuse(fmt::format("--ranks {} ({} nodes hold {} ranks of this study's tasks each) ask for fewer, or more nodes",
                       *wishes.ranks, nodes, per_node));
  }
  if (wishes.nodes && wishes.ranks && *wishes.ranks < *wishes.nodes) {
    refuse(fmt::format("--ranks {} on --nodes {} (each node needs a rank) ask for fewer nodes", *wishes.ranks,
                       *wishes.nodes));
  }
  if (wishes.ranks.value_or(nodes * per_node) < widest) {
    refuse(fmt::format("a task needs {} ranks (there would be {}) ask for more, or a smaller ranks_per_task", widest,
                       std::min(most, wishes.ranks.value_or(nodes * per_node))));
  }
  if (wishes.ranks && *wishes.ranks % widest != 0) {
    refuse(fmt::format("--ranks {} (tasks are shared by {} ranks each) ask for a multiple of {}", *wishes.ranks, widest,
                       widest));
  }
  if (wishes.seconds && *wishes.seconds > site.max_time) {
    refuse(fmt::format("--time {} (the site file allows max_time = {}) ask for less", slurm_time(*wishes.seconds),
                       slurm_time(site.max_time)));
  }
}

void choose_size(JobPlan& plan, const Work& part, const Site& site, const JobWishes& wishes, int per_node, int widest) {
  const auto simulate = [&](int ranks) {
    return simulate_schedule(part.phases(), {.ranks = ranks, .ranks_per_node = std::min(ranks, per_node)});
  };
  const auto take = [&](int ranks, const SimulatedRun& run) {
    plan.ranks = ranks;
    plan.makespan = run.makespan;
    plan.efficiency = run.efficiency;
  };
  if (wishes.ranks || wishes.nodes) {
    const int nodes = wishes.nodes.value_or(1) * per_node;
    const int ranks = wishes.ranks.value_or(nodes - nodes % widest);
    take(ranks, simulate(ranks));
  } else {
    const std::vector<int> counts = rank_counts(per_node, site.max_nodes, widest);
    take(counts.front(), simulate(counts.front()));
    for (const int ranks : counts) {
      const SimulatedRun run = simulate(ranks);
      if (run.efficiency >= wanted_efficiency && run.makespan >= worth_a_start) take(ranks, run);
    }
  }
  plan.nodes = wishes.nodes.value_or(nodes_for(plan.ranks, per_node));
  plan.ranks_per_node = nodes_for(plan.ranks, plan.nodes);
}

/// The node's memory in proportion to the cores that are used, or what the tasks need, if that is more.
void choose_memory(JobPlan& plan, const Site& site) {
  if (site.memory_per_node <= 0.0) return;
  const double share = site.memory_per_node * plan.ranks_per_node / site.cores_per_node;
  const double need = plan.ranks_per_node * plan.bytes;
  plan.memory_per_node = std::min(site.memory_per_node, std::max(share, need));
}

/// `longest_whole` is the longest task that has to be done within a job.
void choose_time(JobPlan& plan, const Site& site, const JobWishes& wishes, double longest_whole) {
  const double whole = time_margin * plan.makespan + start_up + site.signal_lead;
  const double minutes = std::ceil(whole / 60.0) * 60.0;  // Slurm counts in minutes
  plan.seconds = wishes.seconds.value_or(std::min(minutes, site.max_time));
  const double usable = plan.seconds - site.signal_lead;
  if (usable < longest_whole) {
    throw BadInput(fmt::format(
        "error: the longest task is expected to take {} (a job computes for {} at most: its limit {} less {} s of "
        "signal_lead) allow more time",
        duration_text(longest_whole), duration_text(std::max(0.0, usable)), slurm_time(plan.seconds),
        site.signal_lead));
  }
  plan.jobs_in_a_row = jobs_in_a_row(plan.makespan, usable, plan.longest > usable, wishes.checkpoint);
  if (plan.jobs_in_a_row > 0) return;
  throw BadInput(fmt::format(
      "error: the longest task is expected to take {} and keeps its state every {} s (a job computes for {} at most: "
      "its "
      "limit {} less {} s of signal_lead, and two such intervals must fit) allow more time, or a shorter --checkpoint",
      duration_text(plan.longest), wishes.checkpoint, duration_text(std::max(0.0, usable)), slurm_time(plan.seconds),
      site.signal_lead));
}

}  // namespace

JobPlan plan_job(const Work& todo, double other, const Site& site, const JobWishes& wishes) {
  JobPlan plan;
  plan.tasks = todo.count();
  plan.parts = wishes.parts;
  int widest = 1;
  double longest_whole = 0.0;
  todo.each_run([&](const TaskRef& task, std::size_t count) {
    plan.core_seconds += task.cost.seconds * task.cost.ranks_per_task * static_cast<double>(count);
    plan.longest = std::max(plan.longest, task.cost.seconds);
    plan.keeps = plan.keeps || task.cost.keeps;
    if (!task.cost.keeps) longest_whole = std::max(longest_whole, task.cost.seconds);
    plan.task_bytes = std::max(plan.task_bytes, task.cost.bytes);
    widest = std::max(widest, task.cost.ranks_per_task);
  });
  plan.bytes = plan.task_bytes + other;
  const int per_node = most_ranks_per_node(plan, site);
  check_wishes(wishes, site, per_node, widest);
  choose_size(plan, todo.dealt(wishes.parts), site, wishes, per_node, widest);
  choose_memory(plan, site);
  choose_time(plan, site, wishes, longest_whole);
  return plan;
}

}  // namespace meander
