// Moves records between ranks in rounds of bounded size.
#pragma once

#include <mpi.h>

#include <functional>
#include <optional>
#include <string>

#include "pipeline/measure/record.hpp"

namespace meander {

/// A record on its way to the rank that writes its cell.
struct Parcel {
  Record record;
  std::string core;  // that computed it
  int destination = 0;
};

/// Calls `next` on this rank until it gives nothing, and `receive` for every parcel addressed here.
/// Where either throws on any rank, all ranks stop and throw the same. Collective.
void exchange(MPI_Comm comm, const std::function<std::optional<Parcel>()>& next,
              const std::function<void(Parcel)>& receive);

}  // namespace meander
