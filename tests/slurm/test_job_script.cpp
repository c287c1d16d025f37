// The batch script and what goes into it: words that no shell takes apart, times, site files, sizes.
#include "slurm/job_script.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/machine/subprocess.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "slurm/duration.hpp"

namespace meander {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string through_bash(const std::string& word) {
  const auto result = run_program({"bash", "-c", "printf '%s' " + word});
  return result ? result->out : "no bash";
}

std::string message_of(const std::string& site) {
  try {
    parse_site(site, "site.toml");
  } catch (const BadInput& error) {
    return error.what();
  }
  return "accepted";
}

Work tasks(std::size_t count, double seconds, double bytes = 1e6, int ranks = 1, bool keeps = false) {
  Work work;
  work.append(0, 0, count, {seconds, bytes, ranks, keeps});
  return work;
}

Site site_of(int cores, int nodes) {
  Site site;
  site.cores_per_node = cores;
  site.max_nodes = nodes;
  return site;
}

TEST(ShellWord, EveryByteSurvivesTheShell) {
  std::string all;
  for (int byte = 1; byte < 128; ++byte) all += static_cast<char>(byte);
  for (const std::string& text :
       {all, std::string("'"), std::string("''\n'"), std::string("$(touch x) `y` \\ ! é"), std::string()}) {
    EXPECT_EQ(through_bash(shell_word(text)), text);
  }
  EXPECT_THROW(shell_word(std::string("a\0b", 3)), BadInput);
}

TEST(JobName, IsOneWordOfSlurm) {
  EXPECT_EQ(job_name("/a/b c'$(x)\n--wrap.toml"), "meander-b_c___x__--wrap");
}

TEST(SlurmTime, ReadsBackAndRefusesWhatSlurmReadsOtherwise) {
  EXPECT_EQ(slurm_time(3600.0 * 30 + 61.5), "1-06:01:02");
  for (const double seconds : {60.0, 3599.0, 86399.0, 86400.0, 1e6})
    EXPECT_EQ(parse_slurm_time(slurm_time(seconds)), seconds);
  // Slurm reads "90" as minutes and "10:00" as minutes and seconds: easily mistaken.
  for (const char* text : {"90", "10:00", "1h", "00:60:00", "-1:00:00", "1:00:00\n", ""})
    EXPECT_FALSE(parse_slurm_time(text)) << text;
}

TEST(SiteFile, MinimalOneIsCompletedByDefaults) {
  const Site site = parse_site("cores_per_node = 8\n", "site.toml");
  EXPECT_EQ(site.cores_per_node, 8);
  EXPECT_EQ(site.launcher, "srun");
  EXPECT_EQ(site.signal_lead, 120);
  EXPECT_TRUE(site.requeue);
}

TEST(SiteFile, NothingMultilineReachesAnSbatchLine) {
  EXPECT_THAT(message_of("cores_per_node = 1\npartition = \"a\\n#SBATCH --uid=0\"\n"),
              HasSubstr("site.toml:2:13: error"));
  EXPECT_THAT(message_of("cores_per_node = 1\naccount = \"a b\"\n"), HasSubstr("not a name of Slurm"));
  EXPECT_THAT(message_of("cores_per_node = 1\nsbatch = [\"--x\\n\"]\n"), HasSubstr("cannot stand there"));
  EXPECT_THAT(message_of("cores_per_node = 1\nsbatch = [\"rm -rf\"]\n"), HasSubstr("cannot stand there"));
  EXPECT_THAT(message_of("cores_per_node = 1\nenvironment = { \"A;B\" = \"1\" }\n"),
              HasSubstr("no name of a variable"));
  EXPECT_THAT(message_of("cores_per_node = 1\nmax_time = \"00:01:00\"\n"), HasSubstr("signal_lead"));
  EXPECT_THAT(message_of("cores_per_node = 1\nqos = \"" + std::string(1 << 20, 'a') + "\"\n"), "accepted");
  EXPECT_THAT(message_of(""), HasSubstr("no 'cores_per_node'"));
}

TEST(SiteFile, DatesAreNoTexts) {
  const std::string why = "a date or time (nothing here takes one) put it in quotes if it is a text";
  EXPECT_THAT(message_of("cores_per_node = 1\nsetup = [\"true\", 1979-05-27]\n"),
              HasSubstr("site.toml:2:18: error: 'setup' holds " + why));
  EXPECT_THAT(message_of("cores_per_node = 1\nmodules = 07:32:00\n"),
              HasSubstr("site.toml:2:11: error: 'modules' is " + why));
  EXPECT_THAT(message_of("cores_per_node = 1\nenvironment = { A = 1979-05-27 }\n"),
              HasSubstr("site.toml:2:21: error: 'environment' holds " + why));
  EXPECT_EQ(parse_site("cores_per_node = 1\nsetup = [\"1979-05-27\"]\n", "site.toml").setup.front(), "1979-05-27");
}

TEST(SiteFile, MemoryIsBounded) {
  for (const char* memory : {"1e300", "1000001", "0", "-1", "inf", "nan"})
    EXPECT_THAT(message_of(std::string("cores_per_node = 1\nmemory_per_node_gb = ") + memory + "\n"),
                HasSubstr("site.toml:2:22: error: 'memory_per_node_gb' is "))
        << memory;
  EXPECT_EQ(parse_site("cores_per_node = 1\nmemory_per_node_gb = 1000000\n", "site.toml").memory_per_node, 1e15);
  EXPECT_THAT(message_of("cores_per_node.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1\n"), HasSubstr("more than 16 parts"));
}

TEST(JobScript, HasTheUsersTextsAsOneWordEach) {
  JobTexts texts;
  texts.program = "/bin/mea nder";
  texts.study = "/s'$(x).toml";
  texts.archive = "/a.h5";
  texts.folder = "/a.h5.job";
  texts.set = {"title=\"b\""};
  Site site = site_of(4, 1);
  site.partition = "main";
  site.launcher = "srun --mpi=pmix -n {ranks}";
  const std::string script = job_script(texts, site, plan_job(tasks(8, 1.0), 3e8, site, {}));
  EXPECT_THAT(script,
              AllOf(HasSubstr("program=('/bin/mea nder')\n"), HasSubstr("study='/s'\\''$(x).toml'\n"),
                    HasSubstr("--set 'title=\"b\"')"), HasSubstr("#SBATCH --partition=main\n"),
                    HasSubstr("exec srun --mpi=pmix -n \"$count\" \"${program[@]}\""), HasSubstr("--output=log.txt")));
  const auto checked = run_program({"bash", "-n", "-c", script});
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->code, 0) << checked->err;
}

TEST(JobScript, LogsByItselfWhereSlurmWouldReplaceTheFoldersName) {
  JobTexts texts{"/m", "/s.toml", "/100%j/a.h5", "/100%j/a.h5.job", {}};
  const Site site = site_of(1, 1);
  const std::string script = job_script(texts, site, plan_job(tasks(1, 1.0), 3e8, site, {}));
  EXPECT_THAT(script, AllOf(HasSubstr("--output=/dev/null"), HasSubstr("exec >> \"$folder/log.txt\""),
                            Not(HasSubstr("--output=log.txt"))));
}

TEST(JobScript, FillsEveryMarkerOnceAndTakesNoneFromTheUser) {
  JobTexts texts{"/m", "/s.toml", "/a.h5", "/a.h5.job", {"title=\"@folder@\""}};
  Site site = site_of(1, 1);
  site.setup = {"true @ranks@"};
  const std::string script = job_script(texts, site, plan_job(tasks(1, 1.0), 3e8, site, {}));
  EXPECT_THAT(script, AllOf(HasSubstr("--set 'title=\"@folder@\"')\n"), HasSubstr("\ntrue @ranks@\n")));
  std::size_t markers = 0;
  for (std::size_t at = script.find('@'); at != std::string::npos; at = script.find('@', at + 1)) {
    const std::size_t end = script.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at + 1);
    if (end != std::string::npos && end > at + 1 && script[end] == '@') ++markers;
  }
  EXPECT_EQ(markers, 2u) << script;
}

TEST(PlanJob, TakesAsManyRanksAsStayBusy) {
  const Site site = site_of(64, 16);
  EXPECT_EQ(plan_job(tasks(20, 1.0), 3e8, site, {}).ranks, 1);  // 20 s of work are not worth a second rank
  const JobPlan large = plan_job(tasks(100000, 60.0), 3e8, site, {});
  EXPECT_EQ(large.ranks, 1024);
  EXPECT_EQ(large.nodes, 16);
  EXPECT_GE(large.efficiency, 0.9);
  const JobPlan coarse = plan_job(tasks(48, 3600.0), 3e8, site, {});  // more ranks than tasks would idle
  EXPECT_LE(coarse.ranks, 48);
  EXPECT_GE(coarse.efficiency, 0.9);
}

TEST(PlanJob, KeepsGroupsWhole) {
  const Work shared = tasks(10000, 600.0, 1e6, 6);
  const Site site = site_of(16, 4);
  const JobPlan plan = plan_job(shared, 3e8, site, {});
  EXPECT_EQ(plan.ranks, 60);  // of 64
  EXPECT_EQ(plan.nodes, 4);
  JobWishes wishes;
  wishes.nodes = 2;
  EXPECT_EQ(plan_job(shared, 3e8, site, wishes).ranks, 30);
  wishes.ranks = 32;
  EXPECT_THROW(plan_job(shared, 3e8, site, wishes), BadInput);
}

TEST(PlanJob, KeepsToTheNodesMemory) {
  Site site = site_of(64, 4);
  site.memory_per_node = 100e9;
  const JobPlan plan = plan_job(tasks(100000, 60.0, 9.7e9), 3e8, site, {});  // 10 ranks of 10 GB
  EXPECT_EQ(plan.ranks_per_node, 10);
  EXPECT_EQ(plan.nodes, 4);
  EXPECT_LE(plan.memory_per_node, 100e9);
  EXPECT_THROW(plan_job(tasks(1, 1.0, 200e9), 3e8, site, {}), BadInput);
}

TEST(PlanJob, SplitsWhatIsLongerThanTheLimitAndRefusesATaskThatIs) {
  Site site = site_of(1, 1);
  site.max_time = 3600.0 + site.signal_lead;
  EXPECT_EQ(plan_job(tasks(100, 350.0), 3e8, site, {}).jobs_in_a_row, 10);
  EXPECT_EQ(plan_job(tasks(10, 60.0), 3e8, site, {}).jobs_in_a_row, 1);
  EXPECT_THROW(plan_job(tasks(1, 3601.0), 3e8, site, {}), BadInput);
  EXPECT_NEAR(plan_job(tasks(100, 360.0), 3e8, site, {.nodes = {}, .ranks = {}, .seconds = {}, .parts = 10}).makespan,
              3600.0, 1.0);
}

TEST(PlanJob, ChainsJobsForTasksThatKeepTheirState) {
  Site site = site_of(1, 1);
  site.max_time = 3600.0 + site.signal_lead;
  EXPECT_THROW(plan_job(tasks(1, 36000.0), 3e8, site, {}), BadInput);
  Work todo = tasks(1, 36000.0, 1e6, 1, true);
  const JobPlan plan = plan_job(todo, 3e8, site, {});
  EXPECT_EQ(plan.jobs_in_a_row, 11);  // each stops a minute early
  EXPECT_EQ(plan.seconds, site.max_time);
  EXPECT_TRUE(plan.keeps);
  JobWishes wishes;
  wishes.checkpoint = 1801.0;  // two of them are more than a job
  EXPECT_THROW(plan_job(todo, 3e8, site, wishes), BadInput);
  wishes.checkpoint = 1800.0;
  EXPECT_EQ(plan_job(todo, 3e8, site, wishes).jobs_in_a_row, 14);  // it counts as a quarter of the job
  Work more = todo;
  more.append(0, 1, 1, {3601.0, 1e6, 1});  // one that does not keep
  EXPECT_THROW(plan_job(more, 3e8, site, {}), BadInput);
  todo.append(0, 1, 1, {3599.0, 1e6, 1});
  EXPECT_EQ(plan_job(todo, 3e8, site, {}).jobs_in_a_row, 12);
}

}  // namespace
}  // namespace meander
