// Weak scaling of a wide Jacobian's block product with nothing stored: on 1, 2, 4, ... ranks, each with the same number
// of weights to draw and multiply, in turns within one run; and the same messages without the work.
//
//     mpirun --bind-to none -n 4 bench_jacobian_weak_scaling [--benchmark_out FILE]
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/jacobian/jacobian_operator.hpp"
#include "tests/benchmarks/timing.hpp"

namespace {

using namespace meander;

constexpr int width_of_one = 8192, depth = 2, vectors = 16, rounds = 7;

/// The least of several turns, seconds of the slowest rank.
struct Times {
  double clock = std::numeric_limits<double>::infinity();
  double processor = clock;
  double messages = clock;
};

/// The first `ranks` ranks' network, as wide as leaves each rank the weights that one rank alone has.
class Group {
 public:
  Group(int ranks, int rank) : ranks_(ranks), width_(static_cast<int>(width_of_one * std::sqrt(ranks))) {
    MPI_Comm_split(MPI_COMM_WORLD, rank < ranks ? 0 : MPI_UNDEFINED, rank, &comm_);
    if (comm_ == MPI_COMM_NULL) return;
    RandomNetwork::Parameters parameters;
    parameters.input_dimension = width_;
    parameters.widths.assign(depth, width_);
    parameters.activation = Activation::named("tanh");
    const StreamKey key = stream_key(1606, 0);
    std::vector<double> input = gaussian_point(key, 0, width_);
    rescale(input, 1.0);
    j_ = std::make_unique<JacobianOperator>(parameters, key, input, WeightStorage::regenerated, comm_);
    x_ = gaussian_point(key, 1, j_->local_size() * vectors);
    y_.resize(x_.size());
    const int mine = static_cast<int>(x_.size());
    counts_.resize(static_cast<std::size_t>(ranks));
    MPI_Allgather(&mine, 1, MPI_INT, counts_.data(), 1, MPI_INT, comm_);
    all_.resize(static_cast<std::size_t>(width_) * vectors);
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group() {
    if (comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
  }

  int ranks() const { return ranks_; }
  int width() const { return width_; }
  const Times& times() const { return times_; }
  /// Nanoseconds for each of a rank's weights.
  double a_weight(double seconds) const {
    return 1e9 * seconds * ranks_ / (2.0 * depth * static_cast<double>(width_) * width_);
  }

  void take_turn() {
    if (comm_ == MPI_COMM_NULL) return;
    double processor = 0.0;
    const double clock = slowest([&] {
      processor = processor_seconds([&] {
        j_->apply(x_, y_, vectors);
        j_->apply_transposed(x_, y_, vectors);
      });
    });
    MPI_Allreduce(MPI_IN_PLACE, &processor, 1, MPI_DOUBLE, MPI_MAX, comm_);
    const double messages = slowest([&] {
      for (int l = 0; l < depth; ++l) exchange();
    });
    times_ = {std::min(times_.clock, clock), std::min(times_.processor, processor),
              std::min(times_.messages, messages)};
  }

 private:
  template <class Work>
  double slowest(const Work& work) const {
    MPI_Barrier(comm_);
    double seconds = clock_seconds(work);
    MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, comm_);
    return seconds;
  }
  /// What a layer sends in a product and in a transposed one.
  void exchange() {
    std::vector<int> places(counts_.size(), 0);
    for (std::size_t r = 1; r < counts_.size(); ++r) places[r] = places[r - 1] + counts_[r - 1];
    MPI_Allgatherv(x_.data(), static_cast<int>(x_.size()), MPI_DOUBLE, all_.data(), counts_.data(), places.data(),
                   MPI_DOUBLE, comm_);
    MPI_Reduce_scatter(all_.data(), y_.data(), counts_.data(), MPI_DOUBLE, MPI_SUM, comm_);
  }

  int ranks_, width_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::unique_ptr<JacobianOperator> j_;
  std::vector<double> x_, y_, all_;
  std::vector<int> counts_;
  Times times_;
};

/// Ranks without work leave their cores to the others.
void wait_for_all() {
  MPI_Request request;
  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  for (int done = 0; done == 0;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done == 0) usleep(500);
  }
}

void print(const std::vector<std::unique_ptr<Group>>& groups) {
  const Group& one = *groups.front();
  fmt::print("ranks  width  ns/weight  processor  messages  efficiency  in processor time\n");
  for (const auto& g : groups) {
    const Times &t = g->times(), &alone = one.times();
    fmt::print("{:5}{:7}{:11.3f}{:11.3f}{:9.1f}%{:11.1f}%{:18.1f}%\n", g->ranks(), g->width(), g->a_weight(t.clock),
               g->a_weight(t.processor), 100.0 * t.messages / t.clock,
               100.0 * one.a_weight(alone.clock) / g->a_weight(t.clock),
               100.0 * one.a_weight(alone.processor) / g->a_weight(t.processor));
  }
}

/// As Google Benchmark would, for table.py.
void write(const std::vector<std::unique_ptr<Group>>& groups, const char* path) {
  double load[1] = {0.0};
  getloadavg(load, 1);
  const Group& one = *groups.front();
  std::string rows;
  for (std::size_t g = 1; g < groups.size(); ++g) {
    const Group& many = *groups[g];
    rows += fmt::format(R"({}{{"name": "product_weak_scaling/ranks:{}/width:{}", "efficiency_over_one_rank": {}, )"
                        R"("efficiency_over_one_rank_at_least": 0.9}})",
                        rows.empty() ? "" : ", ", many.ranks(), many.width(),
                        one.a_weight(one.times().clock) / many.a_weight(many.times().clock));
  }
  std::ofstream(path) << fmt::format(R"({{"context": {{"load_avg": [{}]}}, "benchmarks": [{}]}})", load[0], rows);
}

void measure(const char* path) {
  int rank = 0, all = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &all);
  std::vector<std::unique_ptr<Group>> groups;
  for (int ranks = 1; ranks <= all; ranks *= 2) groups.push_back(std::make_unique<Group>(ranks, rank));
  for (int round = 0; round < rounds; ++round) {
    for (const auto& group : groups) {
      wait_for_all();
      group->take_turn();
    }
  }
  if (rank != 0) return;
  print(groups);
  if (path != nullptr) write(groups, path);
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  measure(argc == 3 && std::string_view(argv[1]) == "--benchmark_out" ? argv[2] : nullptr);
  MPI_Finalize();
}
