// Large arrays in large pages: reading gigabytes once looks up an address every 4 kB otherwise.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace meander {

/// A wish of memory that has not been written to; nothing happens where the system has no large pages.
inline void wish_huge_pages(void* memory, std::size_t bytes) {
  constexpr std::uintptr_t page = 4096;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (begin + page - 1) / page * page;
  const std::uintptr_t last = (begin + bytes) / page * page;
  if (first < last)
    static_cast<void>(madvise(static_cast<std::byte*>(memory) + (first - begin), last - first, MADV_HUGEPAGE));
}

}  // namespace meander
