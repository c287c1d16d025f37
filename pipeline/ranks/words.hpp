// Values as words in a row, for messages between ranks of one run: words are what MPI's int counts reach 16 GiB with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace meander {

using Word = std::uint64_t;

class WordWriter {
 public:
  explicit WordWriter(std::vector<Word>& out) : out_(&out) {}

  template <class T>
  void number(T value) {
    Word word = 0;
    std::memcpy(&word, &value, sizeof value);
    out_->push_back(word);
  }

  template <class T>
  void numbers(const T* values, std::size_t count) {
    number(count);
    const std::size_t start = out_->size();
    out_->resize(start + (count * sizeof(T) + sizeof(Word) - 1) / sizeof(Word), 0);
    if (count > 0) std::memcpy(out_->data() + start, values, count * sizeof(T));
  }

 private:
  std::vector<Word>* out_;
};

/// Takes them out again, in the same order and with the same types.
class WordReader {
 public:
  explicit WordReader(std::span<const Word> in) : in_(in) {}
  bool empty() const { return in_.empty(); }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, in_.data(), sizeof value);
    in_ = in_.subspan(1);
    return value;
  }

  template <class Container>
  Container numbers() {
    Container values;
    const auto count = number<std::size_t>();
    values.resize(count);
    const std::size_t bytes = count * sizeof(values[0]);
    static_assert(std::is_trivially_copyable_v<typename Container::value_type>);
    if (count > 0) std::memcpy(static_cast<void*>(values.data()), in_.data(), bytes);
    in_ = in_.subspan((bytes + sizeof(Word) - 1) / sizeof(Word));
    return values;
  }

 private:
  std::span<const Word> in_;
};

}  // namespace meander
