// The end of a task that several ranks compute together: whoever fails there alone has left the others waiting.
#pragma once

#include <mpi.h>

#include <array>

namespace meander {

/// Made by all ranks of a group before a task, and waited for by all after it. Ranks that agreed on a failure, or met
/// the same one, come together; a rank that comes with a failure of its own, and waits for the others in vain, ends the
/// whole job, since they wait inside the task for it.
class GroupEnd {
 public:
  /// Collective; nothing for a group of one.
  explicit GroupEnd(MPI_Comm group);
  ~GroupEnd();
  GroupEnd(const GroupEnd&) = delete;
  GroupEnd& operator=(const GroupEnd&) = delete;

  /// What this rank met that the others may know nothing of, and that it met nothing of the kind. Neither takes memory,
  /// which may be what is lacking.
  void note(const char* alone);
  void clear() { alone_[0] = '\0'; }

  /// Collective. Ends the job a minute later where this rank met something alone, or after the environment's
  /// MEANDER_GROUP_PATIENCE in seconds.
  void wait();

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::array<char, 256> alone_{};
};

}  // namespace meander
