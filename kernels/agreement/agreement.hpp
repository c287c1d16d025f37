// Ranks that work together wait for each other: where one gives up alone, the others wait for ever. So whatever may
// fail is done between two steps that all ranks take, and ends with one agreement among them, on success or on one
// failure.
#pragma once

#include <mpi.h>

#include <exception>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {

/// Marks an exception that all ranks of a communicator throw alike: nobody waits for whoever catches it.
class AgreedFailure {
 public:
  virtual ~AgreedFailure() = default;
};

/// The same kind of exception as on the rank that failed, with its message.
template <class Exception>
class Agreed : public Exception, public AgreedFailure {
 public:
  explicit Agreed(const std::string& message) : Exception(message) {}
};
template <>
class Agreed<std::bad_alloc> : public std::bad_alloc, public AgreedFailure {
 public:
  explicit Agreed(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// A kind of exception that survives the way to other ranks.
struct FailureKind {
  bool (*is)(const std::exception&);
  void (*raise)(const std::string& message);  // throws it
};
template <class Exception>
inline constexpr FailureKind failure_kind{
    [](const std::exception& met) { return dynamic_cast<const Exception*>(&met) != nullptr; },
    [](const std::string& message) { throw Agreed<Exception>(message); }};

/// std::bad_alloc, std::overflow_error, std::invalid_argument and the rest of <stdexcept>; whatever else becomes
/// std::runtime_error. A room with kinds of its own passes them before these, on every rank the same.
std::span<const FailureKind> standard_failures();

/// What all ranks of a communicator agreed on: that nothing failed, or what the lowest rank that failed met there.
class [[nodiscard]] Agreement {
 public:
  Agreement() = default;
  bool failed() const { return kind_ != nullptr; }
  /// Of a failure: the rank that met it, and what it said.
  int rank() const { return rank_; }
  const std::string& message() const { return message_; }
  /// Throws the failure, if there is one: Agreed<its kind>, the same on every rank.
  void or_throw() const {
    if (failed()) kind_->raise(message_);
  }

 private:
  friend Agreement agree(MPI_Comm, const std::exception_ptr&, std::span<const FailureKind>);
  const FailureKind* kind_ = nullptr;
  int rank_ = 0;
  std::string message_;
};

/// All ranks of `comm` come with what each met, nothing where all went well. `kinds` must outlive the agreement.
/// Collective, one small reduction where nobody failed; never throws.
Agreement agree(MPI_Comm comm, const std::exception_ptr& met, std::span<const FailureKind> kinds = standard_failures());

/// Runs `action` on every rank, and agrees on how it went. The action must not wait for other ranks. Collective; never
/// throws.
template <class Action>
Agreement attempt(MPI_Comm comm, const Action& action, std::span<const FailureKind> kinds = standard_failures()) {
  std::exception_ptr met;
  try {
    action();
  } catch (...) {
    met = std::current_exception();
  }
  return agree(comm, met, kinds);
}

/// The same with an action for rank 0 alone.
template <class Action>
Agreement attempt_on_first(MPI_Comm comm, const Action& action,
                           std::span<const FailureKind> kinds = standard_failures()) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  return attempt(
      comm,
      [&] {
        if (rank == 0) action();
      },
      kinds);
}

}  // namespace meander
