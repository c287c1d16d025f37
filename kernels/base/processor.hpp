// Which generation of its architecture this processor belongs to: some kernels are compiled for several, in one source
// file each whose name ends in _baseline, _x86_64_v3 or _x86_64_v4 (cmake/MeanderProcessors.cmake).
#pragma once

#include <vector>

namespace meander {

enum class Processor { baseline, x86_64_v3, x86_64_v4 };

/// The latest generation all of whose instructions this processor has.
inline Processor this_processor() {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2"))
    return Processor::baseline;
  const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return v4 ? Processor::x86_64_v4 : Processor::x86_64_v3;
#else
  return Processor::baseline;
#endif
}

/// Of a kernel's paths, one of each generation, those that this processor can take, the fastest first.
template <class Path>
std::vector<Path> usable_paths(const Path& x86_64_v4, const Path& x86_64_v3, const Path& baseline) {
  std::vector<Path> paths;
  if (this_processor() >= Processor::x86_64_v4) paths.push_back(x86_64_v4);
  if (this_processor() >= Processor::x86_64_v3) paths.push_back(x86_64_v3);
  paths.push_back(baseline);
  return paths;
}

}  // namespace meander
