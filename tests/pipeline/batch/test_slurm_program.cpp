// What Slurm's programs print, read as documented whatever stands around it.
#include "pipeline/batch/slurm_program.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace meander {
namespace {

TEST(JobNumber, IsTheLastLineOfDigits) {
  EXPECT_EQ(job_number("17\n"), "17");
  EXPECT_EQ(job_number("17;cluster"), "17");
  EXPECT_EQ(job_number("Welcome, 3 messages\n12\n17;east;x \r\n"), "17");
  EXPECT_EQ(job_number("17\nhave a nice day\n\n"), "17");
  for (const char* text : {"", "\n", "Submitted batch job 17", "17_3", "-1", "0x11", "17 18", "1e3"})
    EXPECT_EQ(job_number(text), "") << text;
  EXPECT_EQ(job_number(std::string(100000, '1')), "");
}

TEST(SlurmSeconds, OfTheTimeLeft) {
  EXPECT_EQ(slurm_seconds("1-02:03:04\n"), 93784.0);
  EXPECT_EQ(slurm_seconds("Welcome\n  9:08:07\n"), 32887.0);
  EXPECT_EQ(slurm_seconds("0:05"), 5.0);
  EXPECT_EQ(slurm_seconds("INVALID\n"), 0.0);
  EXPECT_EQ(slurm_seconds("-1:05\n"), 0.0);  // more than there was
  for (const char* text : {"", "UNLIMITED", "NOT_SET", "5", "1:2:3:4", "2026-12-01T00:00:00", "a[1]:00"})
    EXPECT_FALSE(slurm_seconds(text)) << text;
}

TEST(RunSlurm, HandsOnAnEnvironmentInWhichProgramsSayWhatTheirManualsSay) {
  setenv("SQUEUE_FORMAT", "x", 1);
  setenv("SLURM_TIME_FORMAT", "relative", 1);
  setenv("SBATCH_TIMELIMIT", "1", 1);
  setenv("LC_ALL", "de_DE.UTF-8", 1);
  const auto seen = run_slurm({"env"}, "", sbatch_variables());
  const auto folder = run_slurm({"pwd"}, "/tmp");
  for (const char* name : {"SQUEUE_FORMAT", "SLURM_TIME_FORMAT", "SBATCH_TIMELIMIT", "LC_ALL"}) unsetenv(name);
  ASSERT_TRUE(seen && folder);
  for (const char* name : {"SQUEUE_FORMAT=", "SLURM_TIME_FORMAT=", "SBATCH_TIMELIMIT=", "de_DE"})
    EXPECT_EQ(seen->out.find(name), std::string::npos) << name;
  EXPECT_NE(seen->out.find("LC_ALL=C\n"), std::string::npos);
  EXPECT_NE(seen->out.find("PATH="), std::string::npos);
  EXPECT_EQ(folder->out, "/tmp\n");
  EXPECT_FALSE(run_slurm({"meander-no-such-program"}));
}

}  // namespace
}  // namespace meander
