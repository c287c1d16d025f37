// What the program says: the one place that writes to standard output and standard error.
#include "pipeline/values/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace meander {
namespace {

/// The character that begins `text`: its code point and length in bytes; length 0 where it is no UTF-8.
struct Character {
  char32_t code = 0;
  std::size_t length = 0;
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t code = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    code = code << 6U | (byte(i) & 0x3fU);
  }
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < smallest[length] || code > 0x10ffff || surrogate) return {};
  return {code, length};
}

bool steers(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

enum class Style { lines, line, json };

std::string escaped(char32_t code, Style style) {
  if (style == Style::line && code == '\n') return "\\n";
  if (style == Style::line && code == '\t') return "\\t";
  return code < 0x80 && style != Style::json ? fmt::format("\\x{:02x}", static_cast<unsigned>(code))
                                             : fmt::format("\\u{:04x}", static_cast<unsigned>(code));
}

std::string replaced(std::string_view text, Style style) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    const bool stays = (character.code == '\n' || character.code == '\t') && style != Style::line;
    if (character.length == 0) {
      // A string of JSON has no notation for a byte.
      result += style == Style::json ? "\\ufffd" : fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (steers(character.code) && !stays) {
      result += escaped(character.code, style);
    } else {
      result += text.substr(0, character.length);
    }
    text.remove_prefix(character.length == 0 ? 1 : character.length);
  }
  return result;
}

/// What cannot be written is lost: there is nobody to be told.
void write_error(std::string_view bytes) {
  constexpr int patience = 1000;  // ms, where somebody made the stream one that does not wait
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd stream{STDERR_FILENO, POLLOUT, 0};
      if (::poll(&stream, 1, patience) <= 0) return;
    } else if (written == 0 || errno != EINTR) {
      return;
    }
  }
}

// The first failure of standard output; 0 where there was none.
int output_failure = 0;
bool readers_may_go = false;

/// The other end of a pipe is closed, or a terminal is.
bool reader_has_gone() {
  struct stat status {};
  if (output_failure == EPIPE) return true;
  return output_failure == EIO && ::fstat(STDOUT_FILENO, &status) == 0 && S_ISCHR(status.st_mode);
}

void note_failure() {
  if (output_failure == 0) output_failure = errno != 0 ? errno : EIO;
}

}  // namespace

std::string printable(std::string_view text) {
  return replaced(text, Style::lines);
}

std::string one_line(std::string_view text) {
  return replaced(text, Style::line);
}

std::string printable_json(std::string_view json) {
  return replaced(json, Style::json);
}

void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
    // Opened for reading, so that output which is asked for fails instead of vanishing.
    const int file = ::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    if (file < 0 || file == stream) continue;
    ::dup2(file, stream);
    ::close(file);
  }
}

void let_readers_go() {
  readers_may_go = true;
  // A handler and not SIG_IGN, which programs that are started would inherit.
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGPIPE, &action, nullptr);
}

void print_error_text(std::string_view text) noexcept {
  try {
    write_error(printable(text));
  } catch (...) {  // no memory for the copy
  }
}

void draw_error(std::string_view bytes) noexcept {
  write_error(bytes);
}

void print_output_text(std::string_view text) noexcept {
  try {
    const std::string shown = printable(text);
    if (std::fwrite(shown.data(), 1, shown.size(), stdout) != shown.size()) note_failure();
  } catch (...) {
    errno = ENOMEM;
    note_failure();
  }
}

void print_output_bytes(std::string_view bytes) noexcept {
  if (::isatty(STDOUT_FILENO) != 0) return print_output_text(bytes);
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) note_failure();
}

void print_output_json(std::string_view json) noexcept {
  try {
    const std::string shown = printable_json(json) + "\n";
    if (std::fwrite(shown.data(), 1, shown.size(), stdout) != shown.size()) note_failure();
  } catch (...) {
    errno = ENOMEM;
    note_failure();
  }
}

std::string finish_output() noexcept {
  try {
    errno = 0;
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) note_failure();
    if (output_failure == 0 || (readers_may_go && reader_has_gone())) return "";
    return std::strerror(output_failure);
  } catch (...) {
    return "";
  }
}

}  // namespace meander
