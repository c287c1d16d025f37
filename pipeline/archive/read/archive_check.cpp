#include "pipeline/archive/read/archive_check.hpp"

#include "pipeline/archive/read/trial_read.hpp"
#include "pipeline/files/regular_file.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {

CheckReport check_archive(const std::string& path) {
  if (const auto problem = regular_file_problem(path))
    throw BadInput(path + ": error: not an archive (" + *problem + ") check the path");
  const Seal seal = verify_seal(path);
  TrialReport trial = seal == Seal::intact ? trial_read(path) : trial_read_in_child(path);
  CheckReport report{{}, trial.arrays};
  if (seal == Seal::missing) {
    report.problems.emplace_back("the file does not end in its seal: it was cut short, or changed by another program");
  } else if (seal == Seal::wrong) {
    report.problems.emplace_back("the file's bytes are not those that were written (SHA-256 differs)");
  }
  if (seal != Seal::intact && trial.problems.empty()) {
    report.problems.emplace_back(seal == Seal::missing ? "every array can be read"
                                                       : "every array can still be read; the damage lies elsewhere");
  }
  report.problems.insert(report.problems.end(), trial.problems.begin(), trial.problems.end());
  return report;
}

}  // namespace meander
