// What is shown of names and titles that others chose.
#include "pipeline/values/terminal.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/values/printing.hpp"

namespace meander {
namespace {

TEST(terminal, text_stays) {
  for (const std::string text : {"", "plain", "σ_w = 1, é, 漢字, 🌊", "two\nlines\tand a tab", "back\\slash"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(terminal, what_steers_a_terminal_is_escaped) {
  EXPECT_EQ(printable("\x1b[31mred\x1b]0;title\x07"), "\\x1b[31mred\\x1b]0;title\\x07");
  EXPECT_EQ(printable("over\rwritten\b\x7f"), "over\\x0dwritten\\x08\\x7f");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u009b31m");  // C1's own CSI
  EXPECT_EQ(printable("\u202etxt.\u2066\u2069\u202a\u2028\u200f\u061c"),
            "\\u202etxt.\\u2066\\u2069\\u202a\\u2028\\u200f\\u061c");
}

TEST(terminal, what_is_no_utf8_is_escaped_byte_by_byte) {
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(printable("a\xff\xfe"), "a\\xff\\xfe");
  EXPECT_EQ(printable("cut \xe2\x80"), "cut \\xe2\\x80");
  EXPECT_EQ(printable("\xc1\x9b \xe0\x82\x9b"), "\\xc1\\x9b \\xe0\\x82\\x9b");  // longer than need be
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");                      // half a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");             // beyond Unicode
}

TEST(terminal, a_name_stays_on_its_line) {
  EXPECT_EQ(one_line("a\nb\tc\r"), "a\\nb\\tc\\x0d");
}

TEST(terminal, json_stays_json) {
  const std::string title = "\x1b[31m \x7f \u0085 \u202e \n é";
  const nlohmann::json json{{"title", title}};
  const std::string shown = printable_json(json.dump(2));
  for (const char* hidden : {"\x1b", "\x7f", "\xc2\x85", "\u202e"}) EXPECT_EQ(shown.find(hidden), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(shown), json);
}

/// Standard error leads elsewhere while this lives.
class ElsewhereError {
 public:
  explicit ElsewhereError(int file) : kept_(dup(STDERR_FILENO)) {
    file < 0 ? close(STDERR_FILENO) : dup2(file, STDERR_FILENO);
  }
  ~ElsewhereError() {
    dup2(kept_, STDERR_FILENO);
    close(kept_);
  }

 private:
  int kept_;
};

TEST(terminal, diagnostics_that_cannot_be_written_are_lost) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  const int reading = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  struct sigaction before {};
  sigaction(SIGPIPE, nullptr, &before);
  let_readers_go();
  for (const int file : {full, reading, ends[1], -1}) {
    const ElsewhereError elsewhere(file);
    print_error("{} of {}\n", 1, 2);
    draw_error("\r[=]");
  }
  sigaction(SIGPIPE, &before, nullptr);
  close(full);
  close(reading);
  close(ends[1]);
}

TEST(terminal, diagnostics_do_not_wait_for_a_stream_that_takes_nothing) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  const std::string much(1 << 20, 'x');
  {
    const ElsewhereError elsewhere(ends[1]);
    print_error_text(much);  // ends although nobody reads
  }
  close(ends[0]);
  close(ends[1]);
}

TEST(terminal, a_diagnostic_is_written_as_one) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  {
    const ElsewhereError elsewhere(ends[1]);
    print_error("{}: error: \x1b {}\n", "file", 7);
  }
  char text[64] = {};
  EXPECT_EQ(std::string(text, static_cast<std::size_t>(read(ends[0], text, sizeof text))), "file: error: \\x1b 7\n");
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace meander
