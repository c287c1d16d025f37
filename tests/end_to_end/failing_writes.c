// Preloaded into a program, makes the writes of one rank to files of a certain name fail, like a disk
// that breaks in the middle: FAIL_RANK, FAIL_NAME (a part of the path), FAIL_AFTER (writes that succeed).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int fails(int fd) {
  static int writes;
  const char* name = getenv("FAIL_NAME");
  const char* rank = getenv("OMPI_COMM_WORLD_RANK");
  char link[64];
  char path[4096];
  ssize_t length;
  if (!name || !rank || strcmp(rank, getenv("FAIL_RANK")) != 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  if (!strstr(path, name) || __sync_add_and_fetch(&writes, 1) <= atoi(getenv("FAIL_AFTER"))) return 0;
  errno = EIO;
  return 1;
}

#define NEXT(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

ssize_t write(int fd, const void* data, size_t size) {
  return fails(fd) ? -1 : NEXT(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  return fails(fd) ? -1 : NEXT(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  return fails(fd) ? -1 : NEXT(pwrite64)(fd, data, size, at);
}
ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t at) {
  return fails(fd) ? -1 : NEXT(pwritev)(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t at) {
  return fails(fd) ? -1 : NEXT(pwritev64)(fd, parts, count, at);
}
