#include "slurm/scaling_archive.hpp"

#include <algorithm>
#include <filesystem>

#include "pipeline/archive/format/provenance.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/shards/archive_lock.hpp"
#include "pipeline/archive/shards/archive_target.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/shards/shard_writer.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "pipeline/measure/tasks.hpp"

namespace meander {
namespace {

ArraySpec seconds(const char* name, const char* long_name) {
  return {.name = name, .units = "s", .long_name = long_name, .run_dependent = true};
}

Record record_of(const ScalingRun& run, const Study& study, const Layout& layout, const CellSpace& cells) {
  const Family& family = layout.families.front();
  Results results(family);
  if (run.report) {
    const RunReport& report = *run.report;
    results.set("wall", report.wall);
    results.set("launching", run.elapsed - report.wall);
    results.set("preparing", report.prepare);
    results.set("computing", report.compute());
    results.set("scheduling", report.schedule());
    results.set("writing", report.write);
    const auto [least, most] = std::ranges::minmax_element(report.busy);
    results.set("computing_least", *least);
    results.set("computing_most", *most);
    results.set("efficiency", report.efficiency());
    results.set("tasks", static_cast<std::int64_t>(report.tasks));
  } else {
    results.status(Status::failed, run.problem);
  }
  Record record;
  std::move(results).fill(record);
  record.cell = cells.cell({run.rank_index, static_cast<std::size_t>(run.repeat)});
  record.key = task_key(study, family, cells, record.cell);
  record.seconds = run.elapsed;
  return record;
}

}  // namespace

Study scaling_study(const ScalingSetup& setup) {
  Study study;
  const std::string& title = setup.subject.title;
  study.title = std::string(setup.weak ? "Weak" : "Strong") + " scaling" + (title.empty() ? "" : " of: " + title);
  study.measure = "scaling";
  study.seed = setup.subject.seed;
  SweepDimension ranks{"ranks", {}};
  for (const int count : setup.ranks) ranks.values.emplace_back(count);
  SweepDimension repeat{"repeat", {}};
  for (int i = 0; i < setup.repeats; ++i) repeat.values.emplace_back(i);
  study.sweep = {ranks, repeat};
  Table settings;
  settings.set("mode", setup.weak ? "weak" : "strong");
  settings.set("launcher", setup.launcher);
  settings.set("study", setup.subject.text());
  study.settings.set("scaling", settings);
  return study;
}

Layout scaling_layout() {
  Family family{.name = "scaling", .over = {}, .per_realization = false, .arrays = {}};
  family.arrays = {
      seconds("wall", "time of the run, from reading the study to the written archive"),
      seconds("launching", "time that starting and ending the ranks took besides"),
      seconds("preparing", "part of wall before the first task"),
      seconds("computing", "part of wall in tasks, mean over ranks"),
      seconds("scheduling", "part of wall without a task while others had some, mean over ranks"),
      seconds("writing", "part of wall after the last task: shards and archive"),
      seconds("computing_least", "time in tasks of the rank that had the least"),
      seconds("computing_most", "time in tasks of the rank that had the most"),
      {.name = "efficiency", .long_name = "share of all ranks' time that was spent in tasks", .run_dependent = true},
      {.name = "tasks", .long_name = "tasks that were run", .type = ArrayType::int64},
  };
  Layout layout;
  layout.families = {family};
  return layout;
}

void write_scaling_archive(const std::string& path, const Study& study, const std::vector<ScalingRun>& runs, bool fresh,
                           const std::string& started, const std::string& history) {
  const Layout layout = scaling_layout();
  ArchiveLock lock(path);  // whoever replaces an archive holds it
  Study target = study;
  Attributes attributes;
  std::vector<std::string> sources;
  if (std::filesystem::exists(path) && !fresh) {
    const Header header = read_header(path);
    target = unite(study, header.study);
    attributes = header.attributes;
    sources.push_back(path);
  }
  {
    ShardWriter shard(shard_folder(path), 0, study, layout, std::chrono::hours(1));
    const CellSpace cells(study, layout.families.front());
    for (const ScalingRun& run : runs) shard.add(record_of(run, study, layout, cells));
    shard.close();
  }
  const std::vector<std::string> shards = shard_files(path);
  sources.insert(sources.end(), shards.begin(), shards.end());
  if (fresh) std::filesystem::remove(archive_target(path));
  write_archive(MPI_COMM_SELF, path, target, layout, sources, provenance(MPI_COMM_SELF, started, history, attributes));
  for (const std::string& file : shards) std::filesystem::remove(file);
  lock.remove();
}

}  // namespace meander
