// Preloaded into a program, makes one step of a run fail on one rank: after the tasks (FAIL_FROM=end, from the first
// MPI_Gatherv on), once ranks begin a task together (tasks: MPI_Iallreduce) or from the start, the call number FAIL_AT
// of the kind FAIL_CALL on rank FAIL_RANK, with the error number FAIL_ERROR. FAIL_CALL=file are all calls on files
// whose path holds FAIL_NAME, =new the main thread's allocations. Where a call failed, its kind is in the file
// FAIL_NOTE. With FAIL_LIST the kinds of all calls that count are added to that file, a line each.
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

std::atomic<bool> begun{false};
thread_local bool inside = false;  // our own calls do not count
std::atomic<int> calls{0};

const char* setting(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_setting(const char* name, const char* value) {
  return std::strcmp(setting(name), value) == 0;
}

bool is_rank() {
  // One rank alone, without a launcher, is rank 0.
  const char* const rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return *setting("FAIL_RANK") != '\0' && is_setting("FAIL_RANK", rank != nullptr ? rank : "0");
}

void add_line(const char* file, const char* line) {
  const int to = static_cast<int>(syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND, 0644));
  if (to < 0) return;
  syscall(SYS_write, to, line, std::strlen(line));
  syscall(SYS_write, to, "\n", 1);
  syscall(SYS_close, to);
}

/// Whether this call is the one.
bool fails(const char* call, const char* path) {
  if (inside) return false;
  const int error = errno;
  inside = true;
  const auto decide = [&] {
    if (!begun && !(is_setting("FAIL_FROM", "start") && is_rank())) return false;
    if (!is_setting("FAIL_CALL", path != nullptr ? "file" : "new")) return false;
    if (path == nullptr && syscall(SYS_gettid) != getpid()) return false;
    if (path != nullptr && std::strstr(path, setting("FAIL_NAME")) == nullptr) return false;
    const int number = ++calls;
    if (*setting("FAIL_LIST") != '\0') add_line(setting("FAIL_LIST"), call);
    if (number != std::atoi(setting("FAIL_AT"))) return false;
    add_line(setting("FAIL_NOTE"), call);
    return true;
  };
  const bool failing = decide();
  inside = false;
  errno = failing ? std::atoi(setting("FAIL_ERROR")) : error;
  return failing;
}

bool fails_open_file(const char* call, int file) {
  if (inside || (!begun && !is_setting("FAIL_FROM", "start"))) return false;
  const int error = errno;
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  errno = error;
  if (length <= 0) return false;
  path[length] = '\0';
  return fails(call, path);
}

bool fails_at(const char* call, int folder, const char* path) {
  return folder == AT_FDCWD || path[0] == '/' ? fails(call, path) : fails_open_file(call, folder);
}

template <class Function>
Function* next(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

mode_t mode_of(int flags, va_list more) {
  return (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
}

}  // namespace

#define NEXT(name) next(static_cast<decltype(&name)>(nullptr), #name)

void* operator new(std::size_t size) {
  if (fails("new", nullptr)) throw std::bad_alloc();
  if (void* memory = std::malloc(size == 0 ? 1 : size); memory != nullptr) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

extern "C" {

int MPI_Gatherv(const void* a, int b, void* c, void* d, const int* e, const int* f, void* g, int h, void* i) {
  if (is_setting("FAIL_FROM", "end") && is_rank()) begun = true;
  using Gatherv = int(const void*, int, void*, void*, const int*, const int*, void*, int, void*);
  return next(static_cast<Gatherv*>(nullptr), "MPI_Gatherv")(a, b, c, d, e, f, g, h, i);
}

int MPI_Iallreduce(const void* a, void* b, int c, void* d, void* e, void* f, void* g) {
  if (is_setting("FAIL_FROM", "tasks") && is_rank()) begun = true;
  using Iallreduce = int(const void*, void*, int, void*, void*, void*, void*);
  return next(static_cast<Iallreduce*>(nullptr), "MPI_Iallreduce")(a, b, c, d, e, f, g);
}

#define OPEN(name)                                                   \
  int name(const char* path, int flags, ...) {                       \
    va_list more;                                                    \
    va_start(more, flags);                                           \
    const mode_t mode = mode_of(flags, more);                        \
    va_end(more);                                                    \
    return fails("open", path) ? -1 : NEXT(name)(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                      \
  int name(int folder, const char* path, int flags, ...) {                                \
    va_list more;                                                                         \
    va_start(more, flags);                                                                \
    const mode_t mode = mode_of(flags, more);                                             \
    va_end(more);                                                                         \
    return fails_at("openat", folder, path) ? -1 : NEXT(name)(folder, path, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

FILE* fopen(const char* path, const char* mode) {
  return fails("open", path) ? nullptr : NEXT(fopen)(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  return fails("open", path) ? nullptr : NEXT(fopen64)(path, mode);
}
DIR* opendir(const char* path) {
  return fails("opendir", path) ? nullptr : NEXT(opendir)(path);
}
#define ON_PATH(result, name, failure, parameters, arguments)   \
  result name parameters {                                      \
    return fails(#name, path) ? failure : NEXT(name) arguments; \
  }
#define ON_FILE(result, name, failure, parameters, arguments)             \
  result name parameters {                                                \
    return fails_open_file(#name, file) ? failure : NEXT(name) arguments; \
  }
ON_FILE(int, fsync, -1, (int file), (file))
ON_FILE(int, fallocate, -1, (int file, int mode, off_t at, off_t size), (file, mode, at, size))
ON_FILE(int, fallocate64, -1, (int file, int mode, off64_t at, off64_t size), (file, mode, at, size))
ON_FILE(int, ftruncate, -1, (int file, off_t size) noexcept, (file, size))
ON_FILE(int, ftruncate64, -1, (int file, off64_t size) noexcept, (file, size))
ON_FILE(ssize_t, read, -1, (int file, void* to, size_t size), (file, to, size))
ON_FILE(ssize_t, pread, -1, (int file, void* to, size_t size, off_t at), (file, to, size, at))
ON_FILE(ssize_t, pread64, -1, (int file, void* to, size_t size, off64_t at), (file, to, size, at))
ON_FILE(ssize_t, write, -1, (int file, const void* from, size_t size), (file, from, size))
ON_FILE(ssize_t, pwrite, -1, (int file, const void* from, size_t size, off_t at), (file, from, size, at))
ON_FILE(ssize_t, pwrite64, -1, (int file, const void* from, size_t size, off64_t at), (file, from, size, at))
ON_FILE(off_t, lseek, -1, (int file, off_t at, int from) noexcept, (file, at, from))
ON_FILE(off64_t, lseek64, -1, (int file, off64_t at, int from) noexcept, (file, at, from))
ON_FILE(int, fstat, -1, (int file, struct stat* status) noexcept, (file, status))
ON_FILE(int, fstat64, -1, (int file, struct stat64* status) noexcept, (file, status))
ON_FILE(int, fchmod, -1, (int file, mode_t mode) noexcept, (file, mode))
ON_FILE(int, fchown, -1, (int file, uid_t user, gid_t group) noexcept, (file, user, group))
ON_PATH(int, stat, -1, (const char* path, struct stat* status) noexcept, (path, status))
ON_PATH(int, stat64, -1, (const char* path, struct stat64* status) noexcept, (path, status))
ON_PATH(int, lstat, -1, (const char* path, struct stat* status) noexcept, (path, status))
ON_PATH(int, lstat64, -1, (const char* path, struct stat64* status) noexcept, (path, status))
ON_PATH(int, statvfs, -1, (const char* path, struct statvfs* status) noexcept, (path, status))
ON_PATH(int, statvfs64, -1, (const char* path, struct statvfs64* status) noexcept, (path, status))
ON_PATH(int, mkdir, -1, (const char* path, mode_t mode) noexcept, (path, mode))
ON_PATH(int, rmdir, -1, (const char* path) noexcept, (path))
ON_PATH(int, remove, -1, (const char* path) noexcept, (path))
ON_PATH(int, unlink, -1, (const char* path) noexcept, (path))
ON_PATH(int, rename, -1, (const char* from, const char* path) noexcept, (from, path))

// The file is closed all the same, as Linux does.
int close(int file) {
  const bool failing = fails_open_file("close", file);
  const int error = errno;
  const int result = NEXT(close)(file);
  if (!failing) return result;
  errno = error;
  return -1;
}
int fstatat(int folder, const char* path, struct stat* status, int flags) noexcept {
  return fails_at("fstatat", folder, path) ? -1 : NEXT(fstatat)(folder, path, status, flags);
}
int fstatat64(int folder, const char* path, struct stat64* status, int flags) noexcept {
  return fails_at("fstatat", folder, path) ? -1 : NEXT(fstatat64)(folder, path, status, flags);
}
}
