// Large arrays in large pages: reading gigabytes once looks up an address every 4 kB otherwise.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace meander {

/// A wish of memory that has not been written to; nothing happens where the system has no large pages.
inline void wish_huge_pages(void* memory, std::size_t bytes) {
  constexpr std::uintptr_t page = 4096;
  const auto first = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
  const auto last = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / page * page;
  if (first < last) static_cast<void>(madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE));
}

}  // namespace meander
