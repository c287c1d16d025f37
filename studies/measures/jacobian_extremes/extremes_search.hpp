// One search for the extreme singular values of one Jacobian, by the group of ranks that share it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/jacobian/jacobian_operator.hpp"
#include "kernels/jacobian/orthogonal_jacobian.hpp"
#include "kernels/networks/network.hpp"
#include "kernels/spectra/jacobian_extremes.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/measures/jacobian_extremes/extremes_cost.hpp"
#include "studies/measures/jacobian_extremes/jacobian_extremes_keys.hpp"

namespace meander {

/// What every rank of a task's group does alike, and what its first rank notes in `results`.
class ExtremesSearch {
 public:
  ExtremesSearch(const Task& task, const JacobianPoint& jacobian, const ExtremesSettings& settings, Results& results);

  /// Collective over the group. Throws std::overflow_error where values leave the range of double precision, and
  /// whatever else fails.
  void run();

 private:
  int width() const { return parameters_.input_dimension; }
  int depth() const { return static_cast<int>(parameters_.widths.size()); }
  bool is_first() const;
  /// What may fail on one rank, between two steps that all take.
  void together(const std::function<void()>& action) const;
  SingularValueSearch search() const;
  void complain(const std::string& problem) { problem_ += (problem_.empty() ? "" : "; ") + problem; }

  void make_operator();
  void find_by_products();
  void find_largest();
  void find_smallest();
  std::unique_ptr<DistributedOperator> inverse();
  void require_range() const;
  bool drop_rounded(ExtremeSingularValues& found);
  void find_in_matrix();
  void find_all();
  void note(const ExtremeSingularValues& found, const char* name);
  void note_here(const ExtremeSingularValues& found, const char* name);
  void set_rank();

  const ExtremesSettings& settings_;
  StreamKey key_;
  RandomNetwork::Parameters parameters_;
  std::vector<double> input_;
  MPI_Comm group_;
  Results& results_;

  /// The operator, under the type that its law has; the other one is empty.
  std::unique_ptr<JacobianOperator> by_rows_;
  std::unique_ptr<OrthogonalJacobian> by_reflectors_;
  const DistributedOperator* j_ = nullptr;
  std::int64_t open_ = 0;  // neurons with a slope, of the layer that has fewest

  bool smallest_found_ = false;
  std::int64_t iterations_ = 0;
  std::int64_t products_ = 0;
  double adjoint_error_ = 0.0;
  bool adjoint_checked_ = true;  // false where rounding is all that is left of products
  std::string problem_;          // why some values are not there
};

}  // namespace meander
