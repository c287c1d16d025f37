// Mistakes in what the user gave, collected so that all of them are shown at once.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace meander {

/// A place in a file; line 0 means that the place is the file as a whole, an empty file that the
/// mistake is on the command line.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

/// Bad input: the message is complete, and the exit code is 3.
class BadInput : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Diagnostics {
 public:
  /// One mistake: `<problem> (<why>) <suggestion>`.
  void error(Place place, std::string message);
  void warning(Place place, std::string message);
  bool failed() const { return errors_ > 0; }
  /// Every message, one a line, in the order of place: `file:line:column: error: message`.
  std::string text() const;
  /// Throws BadInput with `text()` if there was any error.
  void throw_if_failed() const;

 private:
  struct Entry {
    Place place;
    std::string message;
    bool is_error;
  };
  std::vector<Entry> entries_;
  int errors_ = 0;
};

/// The nearest of `allowed` to `word` by edit distance, or empty where none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& allowed);

}  // namespace meander
