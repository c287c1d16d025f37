// The options of `meander scale`.
#include <CLI/CLI.hpp>
#include <memory>

#include "pipeline/commands/option_checks.hpp"
#include "slurm/scaling/scale.hpp"

namespace meander {

void add_scale(CLI::App& app, const Catalogue& catalogue, Action& action) {
  const auto scale = std::make_shared<ScaleArguments>();
  const auto mode = std::make_shared<std::string>("strong");
  CLI::App* command = app.add_subcommand("scale",
                                         "Runs a study at several rank counts and writes where the time went; start it "
                                         "without mpirun, it starts its runs itself");
  command->add_option("study", scale->study.study, "Study file")->required()->type_name("STUDY.toml");
  command->add_option("--set", scale->study.set, "Overrides a key of the study file with a TOML value; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--ranks", scale->ranks, "Rank counts to compare")
      ->required()
      ->delimiter(',')
      ->check(is_count(most_ranks))
      ->type_name("N,N,...");
  command->add_option("--mode", *mode, "strong: the same work; weak: realizations times ranks")
      ->check(CLI::IsMember({"strong", "weak"}))
      ->capture_default_str();
  command->add_option("--repeats", scale->repeats, "Runs at each rank count, interleaved")
      ->check(is_count(10000))
      ->capture_default_str();
  command->add_option("--part", scale->part, "Does the I-th of N shares of the repeats, for job arrays")
      ->type_name("I/N");
  command
      ->add_option("-o,--output", scale->archive,
                   "Archive to write or go on with; default: the study's stem + _strong.h5 or _weak.h5 here")
      ->type_name("ARCHIVE.h5");
  command
      ->add_option("--launcher", scale->launcher,
                   "Starts a run; default: \"srun -n {ranks}\" in a job of Slurm, else "
                   "\"mpirun -q --bind-to none --oversubscribe -n {ranks}\"")
      ->type_name("\"COMMAND ... {ranks}\"");
  command->add_flag("--fresh", scale->fresh, "Starts over: what the archive holds is deleted");
  command->callback([scale, mode, &catalogue, &action] {
    scale->weak = *mode == "weak";
    action = [scale, &catalogue] { return scale_command(*scale, catalogue); };
  });
}

}  // namespace meander
