#include "pipeline/machine/crash_report.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "pipeline/machine/last_words.hpp"

namespace meander {
namespace {

// All that the handler reads stands in static memory: it may neither allocate nor lock.
std::array<char, 512> current_task{};
std::array<char, 64> who{};
alignas(16) std::array<char, 65536> handler_stack{};  // the ordinary one may have overflowed

constexpr struct {
  int number;
  const char* name;
} crashes[] = {{SIGSEGV, "invalid memory access, SIGSEGV"},
               {SIGBUS, "memory that is gone, SIGBUS"},
               {SIGFPE, "invalid arithmetic, SIGFPE"},
               {SIGILL, "an instruction this processor lacks, SIGILL"},
               {SIGABRT, "aborted, SIGABRT"}};

class Line {
 public:
  void add(const char* text) {
    const std::size_t length = std::min(std::strlen(text), text_.size() - size_);
    std::memcpy(text_.data() + size_, text, length);
    size_ += length;
  }
  /// Text from a study, in which control characters, and all that is not ASCII, are dots: a terminal takes some of them
  /// for orders.
  void add_foreign(const char* text) {
    const std::size_t begin = size_;
    add(text);
    for (std::size_t i = begin; i < size_; ++i) {
      if (text_[i] < 0x20 || text_[i] > 0x7e) text_[i] = '.';
    }
  }
  // In one write, so that the lines of several ranks do not mix.
  void print() const {
    if (::write(STDERR_FILENO, text_.data(), size_) < 0) return;
  }

 private:
  std::array<char, 1024> text_{};
  std::size_t size_ = 0;
};

void report(int signal) {
  Line line;
  line.add(who.data());
  line.add(": error: crashed (");
  for (const auto& crash : crashes) {
    if (crash.number == signal) line.add(crash.name);
  }
  line.add(")");
  if (current_task[0] != '\0') {
    line.add(" in the task ");
    line.add_foreign(current_task.data());
  }
  line.add("; what was kept is safe: run the same command again to go on\n");
  line.print();
  take_back_last_words();
  // The handler is gone by SA_RESETHAND: the process ends by its signal when this returns.
  ::raise(signal);
}

}  // namespace

void report_crashes(int rank) {
  // One speaks for all: where a rank dies, its launcher ends the first one, too.
  if (rank == 0) {
    leave_last_words(
        "meander: error: the run died (unless a line above says why: a rank was killed, often because memory ran out, "
        "or the run was ended from "
        "outside); what was kept is safe: run the same command again to go on, on fewer ranks if memory is short");
  }
  std::snprintf(who.data(), who.size(), "meander: rank %d", rank);
  stack_t stack{};
  stack.ss_sp = handler_stack.data();
  stack.ss_size = handler_stack.size();
  ::sigaltstack(&stack, nullptr);
  for (const auto& crash : crashes) {
    struct sigaction action {};
    action.sa_handler = report;
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_ONSTACK;
    ::sigaction(crash.number, &action, nullptr);
  }
}

void note_task(std::string_view task) {
  // The end first: whatever a handler sees of a half-made copy is a string.
  current_task[0] = '\0';
  const std::size_t size = std::min(task.size(), current_task.size() - 1);
  current_task[size] = '\0';
  if (size == 0) return;
  std::memcpy(current_task.data() + 1, task.data() + 1, size - 1);
  current_task[0] = task[0];
}

}  // namespace meander
