// Collects and words mistakes in what the user gave.
#include "pipeline/values/diagnostics.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <tuple>

namespace meander {

namespace {

std::string prefix(const Place& place) {
  std::string text = place.file;
  if (place.line > 0) text += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  if (!text.empty()) text += ": ";
  return text;
}

/// The command line comes after the files.
bool on_command_line(const Place& place) {
  return place.file.empty() || place.file.starts_with("--");
}

std::string lower(std::string_view word) {
  std::string text(word);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// Edits (insert, delete, replace, swap neighbours) that turn a into b.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

void Diagnostics::error(Place place, std::string message) {
  entries_.push_back({std::move(place), std::move(message), true});
  ++errors_;
}

void Diagnostics::warning(Place place, std::string message) {
  entries_.push_back({std::move(place), std::move(message), false});
}

std::string Diagnostics::text() const {
  std::vector<const Entry*> sorted;
  for (const Entry& entry : entries_) sorted.push_back(&entry);
  const auto order = [](const Entry* entry) {
    return std::tuple(on_command_line(entry->place), std::string_view(entry->place.file), entry->place.line,
                      entry->place.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Entry* a, const Entry* b) { return order(a) < order(b); });
  std::string text;
  for (const Entry* entry : sorted) {
    if (!text.empty()) text += '\n';
    text += prefix(entry->place) + (entry->is_error ? "error: " : "warning: ") + entry->message;
  }
  return text;
}

void Diagnostics::throw_if_failed() const {
  if (failed()) throw BadInput(text());
}

std::string nearest(std::string_view word, const std::vector<std::string>& allowed) {
  // Beyond these lengths nothing is a misspelling, and the distance would be slow to find.
  constexpr std::size_t longest = 64;
  if (word.empty() || word.size() > longest) return {};
  const std::string wanted = lower(word);
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : allowed) {
    if (candidate.size() > longest) continue;
    const std::size_t distance = edit_distance(wanted, lower(candidate));
    // Short words are all near each other: at least one letter must be left as it was.
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (!best.empty() || word.size() < 3) return best;
  // An abbreviation, where only one name begins so.
  for (const std::string& candidate : allowed) {
    if (!lower(candidate).starts_with(wanted)) continue;
    if (!best.empty()) return {};
    best = candidate;
  }
  return best;
}

}  // namespace meander
