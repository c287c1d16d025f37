#include "tests/support/long_sum.hpp"

#include <mpi.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/ranks/rank_group.hpp"

namespace meander::testing {
namespace {

constexpr double seconds_per_term = 1.5e-8;

std::int64_t setting(const Study& study, const char* name) {
  return static_cast<std::int64_t>(study.setting(std::string("long_sum.") + name)->number());
}

/// What a task knows between two blocks: how many are done, and each rank's sum.
struct State {
  std::int64_t blocks = 0;
  std::vector<double> sums;

  std::vector<std::byte> bytes() const {
    std::vector<std::byte> all(sizeof blocks + sums.size() * sizeof(double));
    std::memcpy(all.data(), &blocks, sizeof blocks);
    std::memcpy(all.data() + sizeof blocks, sums.data(), sums.size() * sizeof(double));
    return all;
  }
  static State parse(std::span<const std::byte> bytes) {
    State state;
    std::memcpy(&state.blocks, bytes.data(), sizeof state.blocks);
    state.sums.resize((bytes.size() - sizeof state.blocks) / sizeof(double));
    std::memcpy(state.sums.data(), bytes.data() + sizeof state.blocks, state.sums.size() * sizeof(double));
    return state;
  }
};

class LongSumMeasurement final : public Measurement {
 public:
  explicit LongSumMeasurement(const Study& study)
      : blocks_(setting(study, "blocks")),
        terms_(setting(study, "terms")),
        ranks_(static_cast<int>(setting(study, "ranks"))),
        pause_(setting(study, "pause")),
        expected_(study.setting("long_sum.expected")->number()) {
    add({.layout = {"cells", std::nullopt, true, {{.name = "sum", .long_name = "sum of sines"}}},
         .cost = [this](const Point&) { return cost(); },
         .run = [this](const Task& task, Results& results) { sum(task, results); }});
  }

 private:
  Cost cost() const {
    const double seconds = static_cast<double>(blocks_ * terms_) * seconds_per_term / ranks_ +
                           1e-3 * static_cast<double>(blocks_ * pause_);
    return {.seconds = expected_ > 0.0 ? expected_ : seconds, .bytes = 1e3, .ranks_per_task = ranks_, .keeps = true};
  }

  void sum(const Task& task, Results& results) const {
    const MPI_Comm comm = task.group != nullptr ? task.group->comm : MPI_COMM_SELF;
    int rank = 0;
    MPI_Comm_rank(comm, &rank);
    const double scale = task.point.number("scale") + static_cast<double>(task.realization);
    State state;
    if (task.kept().empty()) {
      state.sums.resize(static_cast<std::size_t>(ranks_));
    } else {
      state = State::parse(task.kept());
    }
    double sum = state.sums[static_cast<std::size_t>(rank)];
    const auto keep = [&] {
      MPI_Gather(&sum, 1, MPI_DOUBLE, state.sums.data(), 1, MPI_DOUBLE, 0, comm);
      task.keep(state.bytes(), static_cast<double>(state.blocks) / static_cast<double>(blocks_));
    };
    while (state.blocks < blocks_) {
      if (task.stopping()) {
        keep();
        throw Interrupted();
      }
      if (task.due()) keep();
      for (std::int64_t i = rank; i < terms_; i += ranks_)
        sum += std::sin(scale * static_cast<double>(state.blocks * terms_ + i));
      ++state.blocks;
      if (pause_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(pause_));
    }
    MPI_Gather(&sum, 1, MPI_DOUBLE, state.sums.data(), 1, MPI_DOUBLE, 0, comm);
    double total = 0.0;
    for (const double part : state.sums) total += part;
    results.set("sum", total);
  }

  std::int64_t blocks_;
  std::int64_t terms_;
  int ranks_;
  std::int64_t pause_;
  double expected_;
};

class LongSum final : public Measure {
 public:
  std::string name() const override { return "long_sum"; }
  int version() const override { return 1; }
  std::string description() const override { return "A long sum that stops and goes on."; }
  std::vector<Key> keys() const override {
    const auto integer = [](const char* name, std::int64_t value, double least = 1) {
      return Key{
          .section = "long_sum", .name = name, .type = KeyType::integer, .default_value = value, .minimum = least};
    };
    return {{.section = "sweep", .name = "scale", .type = KeyType::number, .sweepable = true},
            integer("blocks", 200),
            integer("terms", 100000),
            integer("ranks", 1),
            integer("pause", 0, 0),
            {.section = "long_sum", .name = "expected", .type = KeyType::number, .default_value = 0.0, .minimum = 0}};
  }
  std::vector<ArraySpec> arrays() const override { return {{.name = "sum"}}; }
  std::unique_ptr<Measurement> bind(const Study& study, Diagnostics&) const override {
    return std::make_unique<LongSumMeasurement>(study);
  }
};

}  // namespace

std::unique_ptr<Measure> long_sum_measure() {
  return std::make_unique<LongSum>();
}

}  // namespace meander::testing
