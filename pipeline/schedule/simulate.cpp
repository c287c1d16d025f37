#include "pipeline/schedule/simulate.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <queue>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/schedule/chunk_table.hpp"
#include "pipeline/schedule/phases.hpp"

namespace meander {
namespace {

constexpr std::size_t most_played = std::size_t{1} << 19;  // tasks of a phase

/// A group of ranks on the node of its leader.
struct Lane {
  double free = 0.0;  // when its task in flight ends
  std::size_t group = 0;

  friend bool operator>(const Lane& a, const Lane& b) { return a.free != b.free ? a.free > b.free : a.group > b.group; }
};

/// One node's part of a phase. Between two requests to the global counter nothing on a node depends
/// on other nodes, so all of it is played at once; only requests are events of the whole machine.
class Node {
 public:
  void add(Lane lane) { lanes_.push_back(lane); }
  int groups() const { return static_cast<int>(lanes_.size()); }  // between requests
  void begin(std::optional<TaskRange> in_hand);

  /// Plays on until a lane asks for a chunk: the time at which it asks. Nothing once the phase is over.
  std::optional<double> play(const Phase& phase, const Workforce& workforce, double hand_out);
  /// The answer to the last request; an empty chunk is the end of the phase.
  void receive(TaskRange chunk, double time, const Phase& phase);
  const std::vector<Lane>& lanes() const { return lanes_; }

 private:
  Lane pop();
  void push(Lane lane);

  std::vector<Lane> lanes_;  // a heap, first free on top
  TaskRange range_;
  double range_since_ = 0.0;
  TaskRange spare_;
  double spare_since_ = 0.0;
  bool exhausted_ = false;
  Lane asking_;
  std::optional<std::uint32_t> asking_before_;  // the task that the asking lane will then run
};

void Node::begin(std::optional<TaskRange> in_hand) {
  std::ranges::make_heap(lanes_, std::greater());
  range_ = in_hand.value_or(TaskRange{});
  exhausted_ = in_hand.has_value();
}

Lane Node::pop() {
  std::ranges::pop_heap(lanes_, std::greater());
  const Lane lane = lanes_.back();
  lanes_.pop_back();
  return lane;
}

void Node::push(Lane lane) {
  lanes_.push_back(lane);
  std::ranges::push_heap(lanes_, std::greater());
}

std::optional<double> Node::play(const Phase& phase, const Workforce& workforce, double hand_out) {
  const int all_lanes = groups();
  for (;;) {
    if (range_.empty()) {
      range_ = std::exchange(spare_, {});
      range_since_ = std::max(range_since_, spare_since_);
    }
    if (range_.empty() && exhausted_) return std::nullopt;
    Lane lane = pop();
    const double now = std::max(lane.free, range_since_);
    if (range_.empty()) {
      asking_ = lane;
      asking_before_.reset();
      return now;
    }
    const std::uint32_t task = range_.begin++;
    const double seconds = phase.seconds[task];
    if (!exhausted_ && spare_.empty() && runs_low(range_.size(), seconds, all_lanes, workforce)) {
      asking_ = lane;
      asking_before_ = task;
      return now + hand_out;
    }
    lane.free = now + hand_out + seconds;
    push(lane);
  }
}

void Node::receive(TaskRange chunk, double time, const Phase& phase) {
  asking_.free = time + (asking_before_ ? phase.seconds[*asking_before_] : 0.0);
  push(asking_);
  exhausted_ = chunk.empty();
  spare_ = chunk;
  if (!exhausted_) spare_since_ = time;
}

class Simulation {
 public:
  explicit Simulation(const SimulatedMachine& machine)
      : machine_(machine), free_(static_cast<std::size_t>(machine.ranks), 0.0) {}

  void play(const Phase& phase);
  SimulatedRun result() const;

 private:
  std::vector<Node> nodes_of(const Phase& phase) const;
  void serve(std::vector<Node>& nodes, const Phase& phase, const Workforce& workforce);

  SimulatedMachine machine_;
  std::vector<double> free_;  // when each rank is done with the phases played so far
  double work_ = 0.0;         // rank-seconds
  double largest_wait_ = 0.0;
  std::size_t requests_ = 0;
};

std::vector<Node> Simulation::nodes_of(const Phase& phase) const {
  const auto size = static_cast<std::size_t>(phase.ranks_per_task);
  const auto ranks_per_node = static_cast<std::size_t>(machine_.ranks_per_node);
  std::vector<Node> nodes((free_.size() + ranks_per_node - 1) / ranks_per_node);
  for (std::size_t group = 0; group < free_.size() / size; ++group) {
    const auto first = free_.begin() + static_cast<std::ptrdiff_t>(group * size);
    const double ready = *std::max_element(first, first + phase.ranks_per_task);
    nodes[group * size / ranks_per_node].add({ready, group});
  }
  std::erase_if(nodes, [](const Node& node) { return node.groups() == 0; });
  return nodes;
}

void Simulation::play(const Phase& phase) {
  const auto size = static_cast<std::size_t>(phase.ranks_per_task);
  std::vector<Node> nodes = nodes_of(phase);
  const auto smallest = std::ranges::min_element(nodes, {}, &Node::groups);
  const Workforce workforce{static_cast<int>(nodes.size()), static_cast<int>(free_.size() / size), smallest->groups()};
  std::optional<TaskRange> in_hand;
  if (nodes.size() == 1) in_hand = TaskRange{0, static_cast<std::uint32_t>(phase.seconds.size())};
  for (Node& node : nodes) node.begin(in_hand);

  serve(nodes, phase, workforce);

  for (const Node& node : nodes) {
    for (const Lane& lane : node.lanes()) {
      std::fill_n(free_.begin() + static_cast<std::ptrdiff_t>(lane.group * size), size, lane.free);
    }
  }
  work_ += phase.seconds.total() * phase.ranks_per_task;
}

void Simulation::serve(std::vector<Node>& nodes, const Phase& phase, const Workforce& workforce) {
  using Request = std::pair<double, std::size_t>;  // when, and by which node
  std::priority_queue<Request, std::vector<Request>, std::greater<>> requests;
  const auto play_on = [&](std::size_t node) {
    const auto asked = nodes[node].play(phase, workforce, machine_.hand_out);
    if (asked) requests.emplace(*asked, node);
  };
  for (std::size_t node = 0; node < nodes.size(); ++node) play_on(node);

  const ChunkTable chunks(phase.seconds, workforce);
  const double one_way = machine_.counter_latency / 2.0;
  double counter_free = 0.0;
  std::size_t next = 0;
  while (!requests.empty()) {
    const auto [asked, node] = requests.top();
    requests.pop();
    counter_free = std::max(asked + one_way, counter_free) + machine_.counter_service;
    const double answered = counter_free + one_way;
    largest_wait_ = std::max(largest_wait_, answered - asked);
    ++requests_;
    // One lane, the asking one, is not among the node's while it waits.
    const auto count = static_cast<std::size_t>(chunks_at_a_time(nodes[node].groups() + 1, workforce));
    nodes[node].receive(chunks.range(next, count), answered, phase);
    next += count;
    play_on(node);
  }
}

SimulatedRun Simulation::result() const {
  SimulatedRun run;
  run.makespan = *std::ranges::max_element(free_);
  if (work_ > 0.0) run.efficiency = work_ / (static_cast<double>(free_.size()) * run.makespan);
  run.largest_wait = largest_wait_;
  run.requests = requests_;
  return run;
}

}  // namespace

SimulatedRun simulate_schedule(std::span<const Phase> phases, const SimulatedMachine& machine) {
  if (machine.ranks < 1 || machine.ranks_per_node < 1) {
    throw std::invalid_argument("cannot simulate " + std::to_string(machine.ranks) + " ranks, " +
                                std::to_string(machine.ranks_per_node) + " a node (both are at least 1)");
  }
  for (const Phase& phase : phases) check_phase(phase, machine.ranks);
  Simulation simulation(machine);
  double coarsest = 0.0;
  for (const std::size_t phase : widest_first(phases)) {
    double longest_piece = 0.0;
    simulation.play({phases[phase].ranks_per_task, coarsened(phases[phase].seconds, most_played, longest_piece)});
    coarsest = std::max(coarsest, longest_piece);
  }
  SimulatedRun run = simulation.result();
  run.coarsest = coarsest;
  return run;
}

}  // namespace meander
