// What the program says: the one place that writes to standard output and standard error.
#pragma once

#include <string>
#include <string_view>

namespace meander {

/// `text` as it may stand on a terminal or in a log: what would steer a terminal or turn text around (control
/// characters, DEL, U+0080 to U+009F, U+2028, U+2029, marks of direction) and bytes that are no UTF-8 are written as
/// \x1b or \u202e. Line breaks and tabs stay.
std::string printable(std::string_view text);

/// Likewise, with line breaks and tabs written as \n and \t: a name or a title that stands amid a line.
std::string one_line(std::string_view text);

/// The same text of JSON, which is UTF-8 without control characters in its strings, with what else `printable` replaces
/// as JSON's own \u009b.
std::string printable_json(std::string_view json);

/// Puts /dev/null in the place of each standard stream that is closed, so that no file which is opened later gets its
/// number and is written into by messages. What is written to standard output still fails. Call it before anything
/// opens a file.
void hold_standard_streams();

/// For commands that change what is on disk: that a pipe's reader has gone, or the terminal, neither ends the process
/// nor counts as output that could not be written. Programs that this one starts are not affected.
void let_readers_go();

/// A diagnostic on standard error, as `printable`, in one write. Never throws: one that cannot be written is lost, and
/// the work goes on.
void print_error_text(std::string_view text) noexcept;
/// Likewise, the bytes as they are: for a progress bar.
void draw_error(std::string_view bytes) noexcept;

/// A command's own output, as `printable`. Failure is kept for finish_output().
void print_output_text(std::string_view text) noexcept;
/// Likewise, the bytes as they are where no terminal shows them: for what is read by programs.
void print_output_bytes(std::string_view bytes) noexcept;
/// As printable_json(), and a line break.
void print_output_json(std::string_view json) noexcept;

/// Writes what is buffered of standard output; gives why something of it could not be written, or nothing.
std::string finish_output() noexcept;

}  // namespace meander
