#include "kernels/base/blas_memory.hpp"

#include <cblas.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>

namespace meander {
namespace {

bool limited(decltype(RLIMIT_AS) resource) {
  rlimit limit{};
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

}  // namespace

void reserve_blas_memory() {
  static bool reserved = false;
  if (reserved) return;
  constexpr std::size_t wanted = static_cast<std::size_t>(blas_workspace) + (std::size_t{1} << 20);
  void* const tried = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (tried == MAP_FAILED) throw std::bad_alloc();
  munmap(tried, wanted);
  const double one = 1.0;
  double square = 0.0;
  // Unlike some others this one takes the workspace at every size.
  cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, 1, 1, 1.0, &one, 1, 0.0, &square, 1);
  reserved = true;
}

void restart_with_one_blas_thread(char** argv) {
  if (!limited(RLIMIT_AS) && !limited(RLIMIT_DATA)) return;
  const char* threads = std::getenv("OPENBLAS_NUM_THREADS");
  if (threads != nullptr && std::string_view(threads) == "1") return;
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  std::error_code unknown;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (!unknown) execv(program.c_str(), argv);  // comes back only where it fails: go on as it is
}

}  // namespace meander
