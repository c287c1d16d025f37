#include "slurm/scaling/scale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "pipeline/archive/format/provenance.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/shards/archive_target.hpp"
#include "pipeline/machine/subprocess.hpp"
#include "pipeline/ranks/mpi_session.hpp"
#include "pipeline/run/progress.hpp"
#include "pipeline/run/stop.hpp"
#include "pipeline/values/printing.hpp"
#include "slurm/scaling_archive.hpp"

namespace meander {
namespace {

/// A folder beside the archive for what the runs write, gone with everything in it afterwards.
class Scratch {
 public:
  explicit Scratch(const std::string& archive) {
    std::string name = std::filesystem::absolute(archive).string() + ".scale-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
      throw BadInput(archive + ": error: no folder can be made beside it (" + name + ") choose another -o");
    }
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string launcher_of(const ScaleArguments& arguments) {
  if (!arguments.launcher.empty()) {
    if (arguments.launcher.find("{ranks}") == std::string::npos) {
      throw BadInput(
          "--launcher \"" + arguments.launcher +
          "\": error: it starts always as many ranks (there is no {ranks} in it) write \"mpirun -n {ranks}\"");
    }
    return arguments.launcher;
  }
  if (std::getenv("SLURM_JOB_ID") != nullptr) return "srun -n {ranks}";
  return "mpirun -q --bind-to none --oversubscribe -n {ranks}";
}

/// The command line of one run.
std::vector<std::string> run_arguments(const ScaleArguments& arguments, const ScalingSetup& setup, int ranks,
                                       const std::string& archive, const std::string& report) {
  std::vector<std::string> words = words_of(setup.launcher);
  for (std::string& word : words) {
    for (std::size_t at = word.find("{ranks}"); at != std::string::npos; at = word.find("{ranks}")) {
      word.replace(at, 7, std::to_string(ranks));
    }
  }
  words.insert(words.end(), {std::filesystem::read_symlink("/proc/self/exe").string(), "run", arguments.study.study});
  for (const std::string& set : arguments.study.set) {
    if (!(setup.weak && set.starts_with("realizations="))) words.insert(words.end(), {"--set", set});
  }
  if (setup.weak)
    words.insert(words.end(), {"--set", fmt::format("realizations={}", setup.subject.realizations * ranks)});
  words.insert(words.end(), {"--output", archive, "--timing", report, "--quiet", "--fresh"});
  return words;
}

/// The line that tells most of a failure: the last of meander's own errors, else the last that says something (a
/// launcher only reports that ranks were ended).
std::string telling_line(const std::string& text) {
  std::istringstream stream(text);
  std::string own;
  std::string last;
  for (std::string line; std::getline(stream, line);) {
    if (line.find_first_not_of(" \t-") != std::string::npos) last = line;
    if (line.find("meander: ") == 0 && line.find("error: ") != std::string::npos) own = line;
  }
  return own.empty() ? last : own;
}

ScalingRun run_once(const ScaleArguments& arguments, const ScalingSetup& setup, const Scratch& scratch,
                    std::size_t rank_index, int repeat) {
  const std::string archive = scratch / "run.h5";
  const std::string report = scratch / "run.json";
  std::filesystem::remove(report);
  const std::vector<std::string> words = run_arguments(arguments, setup, setup.ranks[rank_index], archive, report);
  ScalingRun run{.rank_index = rank_index, .repeat = repeat, .elapsed = 0.0, .report = {}, .problem = {}};
  const auto start = std::chrono::steady_clock::now();
  const std::optional<ProgramResult> result = run_program(words);
  run.elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!result) {
    throw BadInput(fmt::format("{}: error: there is no such program (it is to start {} ranks) give another --launcher",
                               words.front(), setup.ranks[rank_index]));
  }
  if (result->code == exit_done) {
    run.report = read_report(report);
    if (run.report->ranks != setup.ranks[rank_index]) {
      run.problem =
          fmt::format("the launcher started {} ranks instead of {}", run.report->ranks, setup.ranks[rank_index]);
      run.report.reset();
    }
  } else {
    const std::string said = telling_line(result->err);
    run.problem = fmt::format("exit code {}{}{}", result->code, said.empty() ? "" : ": ", said);
  }
  return run;
}

void say(const ScalingSetup& setup, const ScalingRun& run) {
  const int ranks = setup.ranks[run.rank_index];
  if (run.report) {
    print_error("repeat {} of {}, {} rank{}: {}, efficiency {:.0f} %\n", run.repeat + 1, setup.repeats, ranks,
                ranks == 1 ? "" : "s", duration_text(run.report->wall), 100.0 * run.report->efficiency());
  } else {
    print_error("repeat {} of {}, {} rank{}: failed ({})\n", run.repeat + 1, setup.repeats, ranks,
                ranks == 1 ? "" : "s", run.problem);
  }
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

/// Medians over the repeats just made, relative to the fewest ranks.
void print_table(const ScalingSetup& setup, const std::vector<ScalingRun>& runs) {
  std::map<int, std::vector<const RunReport*>> by_ranks;
  for (const ScalingRun& run : runs) {
    if (run.report) by_ranks[run.report->ranks].push_back(&*run.report);
  }
  const auto middle = [](const std::vector<const RunReport*>& reports, auto value) {
    std::vector<double> values;
    for (const RunReport* report : reports) values.push_back(value(*report));
    return median(std::move(values));
  };
  print_output("{:>8}  {:>10}  {:>8}  {:>10}  {:>8}  {:>8}  {:>8}\n", "ranks", "time", "speed-up", "efficiency",
               "compute", "schedule", "write");
  double base = 0.0;
  for (const auto& [ranks, reports] : by_ranks) {
    const double wall = middle(reports, [](const RunReport& r) { return r.wall; });
    const int fewest = by_ranks.begin()->first;
    if (base == 0.0) base = wall;
    const double efficiency = base / wall * (setup.weak ? 1.0 : static_cast<double>(fewest) / ranks);
    print_output("{:>8}  {:>10}  {:>8.2f}  {:>8.1f} %  {:>6.1f} %  {:>6.1f} %  {:>6.1f} %\n", ranks,
                 duration_text(wall), efficiency * ranks / fewest, 100.0 * efficiency,
                 100.0 * middle(reports, [](const RunReport& r) { return r.compute() / r.wall; }),
                 100.0 * middle(reports, [](const RunReport& r) { return r.schedule() / r.wall; }),
                 100.0 * middle(reports, [](const RunReport& r) { return r.write / r.wall; }));
  }
}

/// Refuses an archive of something else; gives the runs that it holds, as (ranks, repeat).
std::set<std::pair<int, int>> runs_done(const std::string& archive, const Study& study) {
  const Header header = read_header(archive);
  if (header.study.identity() != study.identity()) {
    throw BadInput(archive +
                   ": error: the archive is of another study, mode or launcher; choose another -o, or --fresh to "
                   "start over");
  }
  const Layout layout = scaling_layout();
  const CellSpace cells(study, layout.families.front());
  const StatusMap statuses = read_statuses(study, layout, {archive});
  std::set<std::pair<int, int>> done;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    const Point point(study, cells.point_indices(cell));
    if (statuses[0][cell] == Status::done) {
      done.emplace(static_cast<int>(point.integer("ranks")), static_cast<int>(point.integer("repeat")));
    }
  }
  return done;
}

ScalingSetup set_up(const ScaleArguments& arguments, const Catalogue& catalogue) {
  ScalingSetup setup{.subject = arguments.study.read(catalogue).study,
                     .weak = arguments.weak,
                     .launcher = launcher_of(arguments),
                     .ranks = arguments.ranks,
                     .repeats = arguments.repeats};
  const std::set<int> distinct(setup.ranks.begin(), setup.ranks.end());
  if (distinct.size() != setup.ranks.size()) {
    throw BadInput("--ranks: error: a rank count stands there twice; --repeats says how often each is run");
  }
  return setup;
}

}  // namespace

int scale_command(const ScaleArguments& arguments, const Catalogue& catalogue) {
  let_readers_go();
  const std::string started = utc_now();
  const ScalingSetup setup = set_up(arguments, catalogue);
  const Study study = scaling_study(setup);
  RunOptions share;
  if (!arguments.part.empty()) read_part(arguments.part, share);
  const std::string archive =
      !arguments.archive.empty()
          ? arguments.archive
          : std::filesystem::path(arguments.study.study).stem().string() + (setup.weak ? "_weak.h5" : "_strong.h5");
  check_target(archive, false);
  const bool exists = std::filesystem::exists(archive);
  if (exists) read_header(archive);  // also with --fresh: never overwrite what is not ours
  const bool earlier = exists && !arguments.fresh;
  std::set<std::pair<int, int>> done;
  if (earlier) done = runs_done(archive, study);

  const StopSignals signals;
  std::vector<ScalingRun> runs;
  {
    const Scratch scratch(archive);
    for (int repeat = share.part - 1; repeat < setup.repeats; repeat += share.parts) {
      for (std::size_t i = 0; i < setup.ranks.size() && !StopSignals::requested(); ++i) {
        if (done.contains({setup.ranks[i], repeat})) continue;
        ScalingRun run = run_once(arguments, setup, scratch, i, repeat);
        if (StopSignals::requested() && !run.report) break;  // the signal ended the run, too
        say(setup, run);
        runs.push_back(std::move(run));
      }
    }
  }
  // MPI starts only now: the launcher's own would otherwise find itself inside another run of it.
  MpiSession mpi(0, nullptr);
  write_scaling_archive(archive, study, runs, arguments.fresh, started, "meander scale " + arguments.study.study);
  mpi.finish();
  if (earlier) {
    print_output("`meander-plot --table {}` compares with the runs from before\n", archive);
  } else {
    print_table(setup, runs);
  }
  const auto failed = std::ranges::count_if(runs, [](const ScalingRun& run) { return !run.report; });
  print_error("{}: {} runs, {} failed\n", archive, runs.size(), failed);
  if (failed > 0) return exit_failed;
  return StopSignals::requested() ? exit_stopped : exit_done;
}

}  // namespace meander
