#include "pipeline/ranks/collective.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

/// MPI counts are ints; larger messages go in parts.
void broadcast_bytes(MPI_Comm comm, void* data, std::size_t size) {
  constexpr std::size_t part = std::size_t{1} << 30;
  auto* position = static_cast<std::byte*>(data);
  for (std::size_t sent = 0; sent < size; sent += part) {
    MPI_Bcast(position + sent, static_cast<int>(std::min(part, size - sent)), MPI_BYTE, 0, comm);
  }
}

template <class Container>
void broadcast_container(MPI_Comm comm, Container& container) {
  std::uint64_t size = container.size();
  MPI_Bcast(&size, 1, MPI_UINT64_T, 0, comm);
  together(comm, [&] { container.resize(size); });
  broadcast_bytes(comm, container.data(), size * sizeof(container[0]));
}

/// Bad input has an exit code of its own.
std::span<const FailureKind> failure_kinds() {
  static const std::vector<FailureKind> kinds = [] {
    std::vector<FailureKind> all{failure_kind<BadInput>};
    all.insert(all.end(), standard_failures().begin(), standard_failures().end());
    return all;
  }();
  return kinds;
}

}  // namespace

int rank_of(MPI_Comm comm) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  return rank;
}

int size_of(MPI_Comm comm) {
  int size = 1;
  MPI_Comm_size(comm, &size);
  return size;
}

int ranks_of_machine(MPI_Comm comm) {
  MPI_Comm machine = MPI_COMM_NULL;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank_of(comm), MPI_INFO_NULL, &machine);
  const int ranks = size_of(machine);
  MPI_Comm_free(&machine);
  return ranks;
}

void on_root(MPI_Comm comm, const std::function<void()>& action) {
  attempt_on_first(comm, action, failure_kinds()).or_throw();
}

void together(MPI_Comm comm, const std::function<void()>& action) {
  attempt_together(comm, action).or_throw();
}

Agreement attempt_together(MPI_Comm comm, const std::function<void()>& action) {
  return attempt(comm, action, failure_kinds());
}

bool is_agreed(const std::exception& error) {
  return dynamic_cast<const AgreedFailure*>(&error) != nullptr;
}

void broadcast(MPI_Comm comm, std::string& text) {
  broadcast_container(comm, text);
}
void broadcast(MPI_Comm comm, std::vector<std::byte>& bytes) {
  broadcast_container(comm, bytes);
}
void broadcast(MPI_Comm comm, std::vector<Word>& words) {
  broadcast_container(comm, words);
}

std::vector<std::string> gather(MPI_Comm comm, const std::string& text) {
  const int size = static_cast<int>(text.size());
  std::vector<int> sizes, offsets;
  on_root(comm, [&] { sizes.resize(static_cast<std::size_t>(size_of(comm))); });
  MPI_Gather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, comm);
  std::string all;
  std::vector<std::string> texts;
  on_root(comm, [&] {
    int total = 0;
    for (const int each : sizes) offsets.push_back(std::exchange(total, total + each));
    all.resize(static_cast<std::size_t>(total));
    texts.resize(sizes.size());
  });
  MPI_Gatherv(text.data(), size, MPI_CHAR, all.data(), sizes.data(), offsets.data(), MPI_CHAR, 0, comm);
  on_root(comm, [&] {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      texts[i] = all.substr(static_cast<std::size_t>(offsets[i]), static_cast<std::size_t>(sizes[i]));
    }
  });
  return texts;
}

}  // namespace meander
