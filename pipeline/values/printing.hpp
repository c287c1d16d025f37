// What the program says, put together: fmt::print's notation for pipeline/values/terminal.hpp.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "pipeline/values/terminal.hpp"

namespace meander {

/// A diagnostic on standard error; never throws, whatever becomes of it.
template <class... T>
void print_error(fmt::format_string<T...> format, T&&... values) noexcept {
  try {
    print_error_text(fmt::vformat(format, fmt::make_format_args(values...)));
  } catch (...) {  // no memory, even for this
  }
}

/// A command's own output, on standard output; finish_output() knows whether it could be written.
template <class... T>
void print_output(fmt::format_string<T...> format, T&&... values) {
  print_output_text(fmt::vformat(format, fmt::make_format_args(values...)));
}

/// As one or the other, by whether `to` is stderr.
template <class... T>
void print_to(std::FILE* to, fmt::format_string<T...> format, T&&... values) {
  const std::string text = fmt::vformat(format, fmt::make_format_args(values...));
  to == stderr ? print_error_text(text) : print_output_text(text);
}

}  // namespace meander
