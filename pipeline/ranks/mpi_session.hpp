// MPI from here to the end of the scope, for the commands that need it.
#pragma once

namespace meander {

class MpiSession {
 public:
  /// Starts MPI with thread support for a counter that is served beside the work. Ranks that share
  /// cores give way to each other while they wait; ranks of one node open no socket of Open MPI's.
  MpiSession(int argc, char** argv);
  /// Ends MPI. Call it on every rank; a session that is left by an exception leaves MPI running, so
  /// that main can abort the other ranks.
  void finish();
};

}  // namespace meander
