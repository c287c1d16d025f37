#include "pipeline/archive/write/exchange.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/ranks/words.hpp"

namespace meander {
namespace {

// What one rank sends in a round: small enough that a rank to which all send at once can take it.
constexpr std::size_t largest_round = std::size_t{4} << 20;
constexpr std::size_t largest_receipt = std::size_t{1} << 30;

void pack(const Parcel& parcel, std::vector<Word>& out) {
  WordWriter packer(out);
  const Record& record = parcel.record;
  packer.numbers(parcel.core.data(), parcel.core.size());
  packer.number(record.family);
  packer.number(record.cell);
  packer.number(record.status);
  packer.number(record.seconds);
  packer.numbers(record.message.data(), record.message.size());
  packer.number(record.arrays.size());
  for (std::size_t a = 0; a < record.arrays.size(); ++a) {
    packer.numbers(record.extents[a].data(), record.extents[a].size());
    packer.number(record.arrays[a].index());
    std::visit([&](const auto& values) { packer.numbers(values.data(), values.size()); }, record.arrays[a]);
  }
}

ArrayData unpack_array(WordReader& unpacker) {
  switch (unpacker.number<std::size_t>()) {
    case 0:
      return unpacker.numbers<std::vector<double>>();
    case 1:
      return unpacker.numbers<std::vector<std::int64_t>>();
    default:
      return unpacker.numbers<std::vector<std::int8_t>>();
  }
}

Parcel unpack(WordReader& unpacker) {
  Parcel parcel;
  Record& record = parcel.record;
  parcel.core = unpacker.numbers<std::string>();
  record.family = unpacker.number<std::size_t>();
  record.cell = unpacker.number<std::size_t>();
  record.status = unpacker.number<Status>();
  record.seconds = unpacker.number<double>();
  record.message = unpacker.numbers<std::string>();
  const auto arrays = unpacker.number<std::size_t>();
  for (std::size_t a = 0; a < arrays; ++a) {
    record.extents.push_back(unpacker.numbers<std::vector<std::size_t>>());
    record.arrays.push_back(unpack_array(unpacker));
  }
  return parcel;
}

std::vector<int> starts_of(const std::vector<int>& counts) {
  std::vector<int> starts(counts.size(), 0);
  std::partial_sum(counts.begin(), counts.end() - 1, starts.begin() + 1);
  return starts;
}

std::vector<Word> all_to_all(MPI_Comm comm, std::vector<std::vector<Word>>&& outgoing) {
  std::vector<int> send_counts, receive_counts, send_starts, receive_starts;
  std::vector<Word> send, received;
  together(comm, [&] {
    for (std::vector<Word>& words : outgoing) {
      send_counts.push_back(static_cast<int>(words.size()));
      send.insert(send.end(), words.begin(), words.end());
    }
    send_starts = starts_of(send_counts);
    receive_counts.resize(send_counts.size());
  });
  MPI_Alltoall(send_counts.data(), 1, MPI_INT, receive_counts.data(), 1, MPI_INT, comm);
  together(comm, [&] {
    receive_starts = starts_of(receive_counts);
    received.resize(static_cast<std::size_t>(receive_starts.back()) + static_cast<std::size_t>(receive_counts.back()));
  });
  MPI_Alltoallv(send.data(), send_counts.data(), send_starts.data(), MPI_UINT64_T, received.data(),
                receive_counts.data(), receive_starts.data(), MPI_UINT64_T, comm);
  return received;
}

}  // namespace

void exchange(MPI_Comm comm, const std::function<std::optional<Parcel>()>& next,
              const std::function<void(Parcel)>& receive) {
  const auto ranks = static_cast<std::size_t>(size_of(comm));
  const std::size_t budget = std::min(largest_round, std::max<std::size_t>(1, largest_receipt / ranks));
  int more = 1;
  while (more != 0) {
    std::vector<std::vector<Word>> outgoing;
    int mine = 1;
    together(comm, [&] {
      outgoing.resize(ranks);
      for (std::size_t bytes = 0; bytes < budget;) {
        const std::optional<Parcel> parcel = next();
        if (!parcel) {
          mine = 0;
          break;
        }
        bytes += size_of(parcel->record);
        pack(*parcel, outgoing[static_cast<std::size_t>(parcel->destination)]);
      }
    });
    const std::vector<Word> received = all_to_all(comm, std::move(outgoing));
    together(comm, [&] {
      for (WordReader unpacker(received); !unpacker.empty();) receive(unpack(unpacker));
    });
    MPI_Allreduce(&mine, &more, 1, MPI_INT, MPI_MAX, comm);
  }
}

}  // namespace meander
