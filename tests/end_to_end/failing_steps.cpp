// Preloaded into a program, makes one step of a run fail on one rank: after the tasks (from the first MPI_Gatherv on),
// or with FAIL_IN_TASKS once ranks begin one together (MPI_Iallreduce), the call number FAIL_AT of the kind FAIL_CALL
// on rank FAIL_RANK, and with FAIL_MORE all after it. Calls on files count where the path holds FAIL_NAME and not
// FAIL_NOT; FAIL_CALL=new are the main thread's allocations. Where a call failed, the file FAIL_NOTE is there.
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

bool begun = false;
bool inside = false;  // our own calls do not count
int calls = 0;

const char* setting(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_rank() {
  return std::strcmp(setting("OMPI_COMM_WORLD_RANK"), setting("FAIL_RANK")) == 0 && *setting("FAIL_RANK") != '\0';
}

/// Whether this call is the one.
bool fails(const char* call, const char* path) {
  if (!begun || inside || syscall(SYS_gettid) != getpid() || std::strcmp(call, setting("FAIL_CALL")) != 0) return false;
  if (path != nullptr && std::strstr(path, setting("FAIL_NAME")) == nullptr) return false;
  if (path != nullptr && *setting("FAIL_NOT") != '\0' && std::strstr(path, setting("FAIL_NOT")) != nullptr)
    return false;
  const int at = std::atoi(setting("FAIL_AT"));
  if (++calls < at || (calls > at && *setting("FAIL_MORE") == '\0')) return false;
  inside = true;
  const int note = static_cast<int>(syscall(SYS_openat, AT_FDCWD, setting("FAIL_NOTE"), O_WRONLY | O_CREAT, 0644));
  if (note >= 0) close(note);
  inside = false;
  errno = EIO;
  return true;
}

bool fails_open_file(const char* call, int file) {
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  return fails(call, path);
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
  begun = is_rank() && *setting("FAIL_IN_TASKS") == '\0';
  using Gatherv = int(const void*, int, void*, void*, const int*, const int*, void*, int, void*);
  return next(static_cast<Gatherv*>(nullptr), "MPI_Gatherv")(a, b, c, d, e, f, g, h, i);
}

int MPI_Iallreduce(const void* a, void* b, int c, void* d, void* e, void* f, void* g) {
  begun = is_rank() && *setting("FAIL_IN_TASKS") != '\0';
  using Iallreduce = int(const void*, void*, int, void*, void*, void*, void*);
  return next(static_cast<Iallreduce*>(nullptr), "MPI_Iallreduce")(a, b, c, d, e, f, g);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return fails("open", path) ? -1 : NEXT(open)(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return fails("open", path) ? -1 : NEXT(open64)(path, flags, mode);
}
FILE* fopen(const char* path, const char* mode) {
  return fails("open", path) ? nullptr : NEXT(fopen)(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  return fails("open", path) ? nullptr : NEXT(fopen64)(path, mode);
}
DIR* opendir(const char* path) {
  return fails("opendir", path) ? nullptr : NEXT(opendir)(path);
}
int flock(int file, int operation) {
  return fails_open_file("flock", file) ? -1 : NEXT(flock)(file, operation);
}
int fsync(int file) {
  return fails_open_file("fsync", file) ? -1 : NEXT(fsync)(file);
}
int posix_fallocate(int file, off_t offset, off_t length) {
  return fails_open_file("fallocate", file) ? EIO : NEXT(posix_fallocate)(file, offset, length);
}
int posix_fallocate64(int file, off64_t offset, off64_t length) {
  return fails_open_file("fallocate", file) ? EIO : NEXT(posix_fallocate64)(file, offset, length);
}
int ftruncate(int file, off_t length) {
  return fails_open_file("truncate", file) ? -1 : NEXT(ftruncate)(file, length);
}
int ftruncate64(int file, off64_t length) {
  return fails_open_file("truncate", file) ? -1 : NEXT(ftruncate64)(file, length);
}
ssize_t read(int file, void* to, size_t size) {
  return fails_open_file("read", file) ? -1 : NEXT(read)(file, to, size);
}
ssize_t pread(int file, void* to, size_t size, off_t at) {
  return fails_open_file("read", file) ? -1 : NEXT(pread)(file, to, size, at);
}
ssize_t pread64(int file, void* to, size_t size, off64_t at) {
  return fails_open_file("read", file) ? -1 : NEXT(pread64)(file, to, size, at);
}
int rename(const char* from, const char* to) {
  return fails("rename", to) ? -1 : NEXT(rename)(from, to);
}
int remove(const char* path) {
  return fails("remove", path) ? -1 : NEXT(remove)(path);
}
int unlink(const char* path) {
  return fails("remove", path) ? -1 : NEXT(unlink)(path);
}
}
