// The result of one task: its status and its arrays.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace meander {

struct Family;

enum class Status : std::int8_t { missing = 0, done = 1, failed = 2, not_converged = 3, out_of_range = 4 };

/// Whether a number from a file is one of them.
constexpr bool is_status(std::int64_t number) {
  return number >= static_cast<std::int64_t>(Status::missing) &&
         number <= static_cast<std::int64_t>(Status::out_of_range);
}

/// Identity of a task: the first 128 bits of SHA-256 over (measure, version, family, the point's
/// parameters, settings, input content, seed, realization).
using TaskKey = std::array<std::uint8_t, 16>;

using ArrayData = std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::int8_t>>;

struct Record {
  TaskKey key{};
  std::size_t family = 0;
  /// Row-major index in the family's CellSpace of the study that the record belongs to.
  std::size_t cell = 0;
  Status status = Status::missing;
  double seconds = 0.0;
  std::string message;  // why, where status is failed, not_converged or out_of_range
  /// One per array of the family, in its order; empty where the task did not give it. A task's
  /// extents of own dimensions stand in `extents`, so that shorter arrays can be padded.
  std::vector<ArrayData> arrays;
  std::vector<std::vector<std::size_t>> extents;
};

/// What a measure fills in for one task. Arrays that are never set stay missing, and shorter ones are filled up.
class Results {
 public:
  explicit Results(const Family& family);

  /// Values of a scalar or one-dimensional array. Throws std::logic_error for a name or type that
  /// the family does not declare.
  void set(std::string_view array, double value);
  void set(std::string_view array, std::int64_t value);
  void set(std::string_view array, std::span<const double> values);
  void set(std::string_view array, std::span<const std::int64_t> values);
  /// Several own dimensions, row-major.
  void set(std::string_view array, std::span<const double> values, std::vector<std::size_t> extents);
  /// Anything but done, with the reason.
  void status(Status status, std::string message);
  Status status() const { return status_; }

  /// What is wrong where a done cell lacks an array, or holds a NaN in one, that does not declare that it may
  /// (ArraySpec::undefined_where); empty where nothing is.
  std::string undefined() const;
  /// Where a done cell holds an infinity in an array that does not declare it (ArraySpec::infinite_where), the cell is
  /// out of range, and those numbers are missing.
  void leave_out_infinite();

  /// Moves the arrays, status and message into `record`.
  void fill(Record& record) &&;

 private:
  std::size_t index(std::string_view array) const;

  const Family* family_;
  Status status_ = Status::done;
  std::string message_;
  std::vector<ArrayData> arrays_;
  std::vector<std::vector<std::size_t>> extents_;
  std::vector<bool> given_;
};

}  // namespace meander
