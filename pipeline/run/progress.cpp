#include "pipeline/run/progress.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <thread>

#include "pipeline/values/printing.hpp"

namespace meander {

ProgressStyle progress_style(bool quiet) {
  if (quiet) return ProgressStyle::none;
  if (const char* wish = std::getenv("MEANDER_PROGRESS")) {
    const std::string_view style = wish;
    if (style == "bar") return ProgressStyle::bar;
    if (style == "log") return ProgressStyle::log;
    if (style == "none") return ProgressStyle::none;
  }
  return isatty(STDERR_FILENO) ? ProgressStyle::bar : ProgressStyle::log;
}

std::string duration_text(double seconds) {
  constexpr double century = 100 * 365.25 * 86400;
  if (!(seconds < century)) return "> 100 years";  // what is no number, too
  const auto whole = static_cast<long long>(std::llround(std::max(seconds, 0.0)));
  if (seconds < 10.0) return fmt::format("{:.1f} s", seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

namespace {

/// Of the expected cost; sums of many small costs need not meet the total to the last bit.
double share_done(const ScheduleProgress& done, std::size_t tasks, double seconds) {
  if (done.tasks_done >= tasks || !(seconds > 0.0)) return 1.0;
  return std::clamp(done.seconds_done / seconds, 0.0, 1.0);
}

/// Lines of the log are diagnostics like all others.
class DiagnosticSink : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    print_error_text({line.data(), line.size()});
  }
  void flush_() override {}
};

}  // namespace

std::string progress_text(const ScheduleProgress& done, std::size_t tasks, double seconds, double elapsed) {
  const double share = share_done(done, tasks, seconds);
  std::string text = fmt::format("{:3.0f} %  {}/{} tasks", std::floor(100.0 * share), done.tasks_done, tasks);
  if (share > 0.0 && share < 1.0) text += fmt::format("  {} left", duration_text(elapsed * (1.0 - share) / share));
  return text;
}

struct ProgressDisplay::Impl {
  ProgressStyle style;
  std::size_t tasks;
  double seconds;
  std::function<ScheduleProgress()> progress;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::shared_ptr<spdlog::logger> log;
  std::mutex mutex;
  std::condition_variable wake;
  bool finished = false;
  std::thread thread;

  std::string text() const {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return progress_text(progress(), tasks, seconds, elapsed.count());
  }

  void draw_bar() const {
    constexpr int cells = 30;
    const double share = share_done(progress(), tasks, seconds);
    const auto full = static_cast<std::size_t>(share * cells);
    draw_error(fmt::format("\r[{}{}] {}\033[K", std::string(full, '='), std::string(cells - full, ' '), text()));
  }

  /// Progress that cannot be shown, for lack of memory, is no reason to end the work.
  void show() const noexcept {
    try {
      style == ProgressStyle::bar ? draw_bar() : log->info(text());
    } catch (...) {
      return;
    }
  }

  /// A log gets a line after 10 s, 20 s, 40 s ... and then every 10 minutes.
  void loop() {
    using namespace std::chrono_literals;
    std::chrono::seconds pause = 10s;
    std::unique_lock lock(mutex);
    const auto is_finished = [this] { return finished; };
    while (!wake.wait_for(lock, style == ProgressStyle::bar ? std::chrono::milliseconds(200) : pause, is_finished)) {
      show();
      if (style == ProgressStyle::log) pause = std::min<std::chrono::seconds>(2 * pause, 600s);
    }
  }
};

ProgressDisplay::ProgressDisplay(ProgressStyle style, std::size_t tasks, double seconds,
                                 std::function<ScheduleProgress()> progress)
    : impl_(std::make_unique<Impl>()) {
  impl_->style = style;
  impl_->tasks = tasks;
  impl_->seconds = seconds;
  impl_->progress = std::move(progress);
  if (style == ProgressStyle::none || tasks == 0) return;
  impl_->log = std::make_shared<spdlog::logger>("meander", std::make_shared<DiagnosticSink>());
  impl_->log->set_pattern("[%Y-%m-%d %H:%M:%S] %v");
  impl_->thread = std::thread([this] { impl_->loop(); });
}

ProgressDisplay::~ProgressDisplay() {
  if (!impl_->thread.joinable()) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->finished = true;
  }
  impl_->wake.notify_all();
  impl_->thread.join();
  if (impl_->style == ProgressStyle::bar) {
    impl_->show();
    draw_error("\n");
  }
}

}  // namespace meander
