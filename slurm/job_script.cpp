#include "slurm/job_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string_view>

#include "pipeline/values/diagnostics.hpp"
#include "slurm/duration.hpp"

namespace meander {
namespace {

/// Everything below the settings is the same for every job.
constexpr std::string_view body = R"script(
say() { printf '%s  %s\n' "$(date -u +%FT%TZ)" "$*"; }

# The state of this job, kept across requeues: unsuccessful tries in a row, what was missing before
# the try, and what became of it.
role=run part=1
if [ "${1:-}" = merge ]; then
  role=merge
elif [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  part=$SLURM_ARRAY_TASK_ID role=part-$part archive=$folder/part-$part.h5
fi
state=$folder/state-$role
tries=0 before=? last=
[ -f "$state" ] && read -r tries before last < "$state"
keep() { last=$1; printf '%s %s %s\n' "$tries" "$before" "$last" > "$state.new" && mv "$state.new" "$state"; }
# What is left: cells that are missing, less the parts of them that are kept.
missing() {
  "${program[@]}" status "$archive" --json 2>/dev/null |
    sed -n 's/^  "\(missing\|begun_fraction\)": \([0-9.e+-]*\),*$/\2/p' | head -n 2 | paste -s -d -
}

# A try that neither finished a cell nor got on with one counts as unsuccessful, and so does every crash.
count_try() {
  local now
  now=$(missing)
  if [ "$1" != crash ] && [ -n "$now" ] && [ "$now" != "$before" ]; then
    [ "$1" = stop ] && tries=0
  else
    tries=$((tries + 1))
  fi
  before=${now:-?}
  [ "$tries" -lt "$max_tries" ] && return
  say "giving up: $tries tries in a row crashed or got on with no task (the last one: $2); nothing that was computed is lost"
  keep "gave up after $tries tries ($2)"
  exit "$3"
}

# Slurm tells this script alone that the end is near (USR1), and it tells the ranks. Ranks that do not stop
# in time are left behind (ALRM): the shards have what they finished.
child='' told='' ending='' over='' late=''
pass_on() { told=1; [ -n "$child" ] && kill -USR1 "$child" 2>/dev/null; }
trap '[ -n "$ending" ] || { sleep "$patience" && kill -ALRM $$ 2>/dev/null; } & ending=1; pass_on' USR1
trap 'over=1; pass_on' TERM
trap 'late=1; told=1' ALRM

# A launcher may hang before any rank has started. Rank 0 of a run takes the archive's lock first of all.
lock_now() { stat --format='%i %Z' "$archive.shards/lock" 2>/dev/null; }
end_if_hung() {
  local second
  for ((second = 0; second < ${MEANDER_START_PATIENCE:-900}; second++)); do
    sleep 1
    kill -0 "$child" 2>/dev/null || return
    [ "$(lock_now)" = "$1" ] || return
  done
  say "the ranks did not start within ${MEANDER_START_PATIENCE:-900} s: their launcher is ended"
  kill -TERM "$child"
  sleep 5
  kill -KILL "$child" 2>/dev/null
}

# run_ranks RANKS ARGUMENTS...: meander on that many ranks; its exit code is in $code.
run_ranks() {
  local lock
  lock=$(lock_now)
  launch "$@" &
  child=$!
  [ "$2" != run ] || end_if_hung "$lock" &
  told=1
  while [ -n "$told" ]; do
    told=''
    wait "$child"
    code=$?
    [ "$code" -gt 128 ] || return
    if [ -n "$late" ]; then code=late; return; fi
  done
}

# Seconds until the limit of this job, less what is kept back to write the archive.
time_limit() {
  local end
  end=$(squeue --noheader --format=%e --jobs="$SLURM_JOB_ID" 2>/dev/null) && end=$(date --date="$end" +%s 2>/dev/null) &&
    printf -- '--time-limit=%d' $((end - $(date +%s) > reserve ? end - $(date +%s) - reserve : 0))
}

# Another job for what is left: this one again, or a successor.
go_on() {
  if [ -n "$over" ]; then
    say "ended by Slurm or its user: not queued again by itself (what was computed is kept)"
  elif [ "$requeue" = yes ] && scontrol requeue "$SLURM_JOB_ID"; then
    say "queued again"
  elif [ -z "${SLURM_ARRAY_TASK_ID:-}" ] && cd "$folder" && next=$(sbatch --parsable --dependency="afterany:$SLURM_JOB_ID" job.sh); then
    printf '%s run\n' "${next%%;*}" >> jobs
    say "job ${next%%;*} goes on"
  else
    say "could not be queued again: submit the same study once more to go on"
  fi
  exit "$1"
}

merge_parts() {
  local i words sources=() result=0
  for ((i = 1; i <= parts; i++)); do
    words=''
    [ -f "$folder/state-part-$i" ] && read -r _ _ words < "$folder/state-part-$i"
    case $words in
      finished) ;;
      failed*) result=1 ;;
      *)
        say "not merged: part $i did not end (${words:-never started}); submit the same study once more to go on"
        keep "failed (part $i: ${words:-never started})"
        exit 1
        ;;
    esac
    [ -f "$folder/part-$i.h5" ] || { say "not merged: part $i left no archive"; exit 1; }
    sources+=("$folder/part-$i.h5")
  done
  keep running
  [ -f "$archive" ] && sources+=("$archive")
  rm -f "$folder/merged.h5"
  run_ranks 1 merge "$folder/merged.h5" "${sources[@]}"
  [ "$code" -eq 0 ] && mv -f "$folder/merged.h5" "$archive" || { keep "failed (merge: exit code $code)"; exit 1; }
  say "merged $parts parts; $folder/part-*.h5 can be removed"
  [ "$result" -eq 0 ] && keep finished || keep "failed (failed cells)"
  exit "$result"
}

say "job $SLURM_JOB_ID ($role) on $SLURM_JOB_NODELIST, start $((${SLURM_RESTART_COUNT:-0} + 1))"
if [ "$role" = merge ]; then merge_parts; fi
if [ "$last" = running ]; then count_try lost "lost with its node, or killed" 1; fi
while :; do
  [ "$before" != '?' ] || before=$(missing)
  before=${before:-?}
  keep running
  [ -z "$ending$over" ] || go_on 2
  run_ranks "$ranks" run "$study" -o "$archive" "${arguments[@]}" --part "$part/$parts" $(time_limit)
  case $code in
    0) keep finished; exit 0 ;;
    1) keep "failed (see the log)"; exit 1 ;;
    3) keep "refused (see the log)"; exit 3 ;;
    late) count_try lost "not stopped in time" 1; keep stopped; go_on 2 ;;
    2) count_try stop "stopped early" 1; keep stopped; go_on 2 ;;
  esac
  say "crashed with exit code $code"
  if [ -n "$over" ]; then keep stopped; go_on "$code"; fi
  count_try crash "exit code $code" "$code"
  keep crashed
  if [ -n "$ending" ]; then go_on "$code"; fi
  sleep "$tries"
done
)script";

std::string launcher_words(const Site& site) {
  if (site.launcher == "srun") return "srun --ntasks=\"$count\" --kill-on-bad-exit=1";
  // mpirun turns the INT and TERM that its terminal or session gets into a kill: it has its own.
  if (site.launcher == "mpirun") return "setsid mpirun -q --bind-to none -n \"$count\"";
  std::string words = site.launcher;
  constexpr std::string_view place = "{ranks}";
  for (std::size_t at = words.find(place); at != std::string::npos; at = words.find(place, at)) {
    words.replace(at, place.size(), "\"$count\"");
  }
  return words;
}

std::string sbatch_lines(const JobTexts& texts, const Site& site, const JobPlan& plan) {
  std::string lines;
  const auto add = [&](const std::string& option) { lines += "#SBATCH " + option + "\n"; };
  add("--job-name=" + job_name(texts.study));
  if (!site.partition.empty()) add("--partition=" + site.partition);
  if (!site.account.empty()) add("--account=" + site.account);
  if (!site.qos.empty()) add("--qos=" + site.qos);
  add(fmt::format("--nodes={}", plan.nodes));
  add(fmt::format("--ntasks={}", plan.ranks));
  add(fmt::format("--ntasks-per-node={}", plan.ranks_per_node));
  if (plan.memory_per_node > 0.0) add(fmt::format("--mem={:.0f}M", std::floor(plan.memory_per_node / 1048576.0)));
  add("--time=" + slurm_time(plan.seconds));
  add(fmt::format("--signal=B:USR1@{}", site.signal_lead));
  add(site.requeue ? "--requeue" : "--no-requeue");
  add("--open-mode=append");
  add(slurm_can_log_into(texts.folder) ? "--output=log.txt" : "--output=/dev/null");
  for (const std::string& option : site.sbatch) add(option);
  return lines;
}

std::string settings(const JobTexts& texts, const Site& site, const JobPlan& plan) {
  std::string text = "program=(" + (site.program.empty() ? shell_word(texts.program) : site.program) + ")\n";
  text += "study=" + shell_word(texts.study) + "\n";
  text += "archive=" + shell_word(texts.archive) + "\n";
  text += "folder=" + shell_word(texts.folder) + "\n";
  text += fmt::format("arguments=(--checkpoint {:g}", texts.checkpoint_seconds);
  for (const std::string& change : texts.set) text += " --set " + shell_word(change);
  text += ")\n";
  text += fmt::format("ranks={} parts={} max_tries={} requeue={}\n", plan.ranks, plan.parts, site.max_tries,
                      site.requeue ? "yes" : "no");
  text += fmt::format("reserve={}  # seconds kept back at the end of a job to write the archive\n",
                      (site.signal_lead + 1) / 2);
  text += fmt::format("patience={}  # seconds that the ranks have to stop once the end is near\n",
                      std::max(1, site.signal_lead - std::max(2, site.signal_lead / 6)));
  return text;
}

std::string environment(const Site& site) {
  std::string text;
  for (const std::string& module : site.modules) text += "module load " + shell_word(module) + "\n";
  text += "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1\n";
  text += "export SLURM_EXIT_ERROR=125  # srun's own failures, told from meander's\n";
  for (const auto& [name, value] : site.environment) text += "export " + name + "=" + shell_word(value) + "\n";
  for (const std::string& line : site.setup) text += line + "\n";
  return text;
}

}  // namespace

std::string shell_word(const std::string& text) {
  if (text.find('\0') != std::string::npos)
    throw BadInput("error: a text with a zero byte cannot be given to a program");
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += R"('\'')";
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string job_name(const std::string& study) {
  std::string name = std::filesystem::path(study).stem().string();
  for (char& c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (!plain) c = '_';
  }
  return "meander-" + name;
}

bool slurm_can_log_into(const std::string& folder) {
  return folder.find_first_of("%\\") == std::string::npos;
}

std::string job_script(const JobTexts& texts, const Site& site, const JobPlan& plan) {
  std::string script =
      "#!/bin/bash\n# Written by `meander submit`. Submit the study with it again to go on after a failure.\n";
  script += sbatch_lines(texts, site, plan) + "\n";
  script += settings(texts, site, plan);
  if (!slurm_can_log_into(texts.folder)) script += "exec >> \"$folder/log.txt\" 2>&1\n";
  script += "\n" + environment(site) + "\n";
  script += "launch() {\n  local count=$1\n  shift\n  exec " + launcher_words(site) + " \"${program[@]}\" \"$@\"\n}\n";
  script += body;
  return script;
}

}  // namespace meander
