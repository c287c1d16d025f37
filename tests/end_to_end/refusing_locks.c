// Preloaded into a program, refuses it every lock of a file, as file systems without them do: with the error number
// REFUSE_LOCKS (ENOLCK of NFS without lockd, EOPNOTSUPP, 524 of the kernel's own ENOTSUPP, ENOSYS of Lustre).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>

static int refuse(void) {
  errno = atoi(getenv("REFUSE_LOCKS"));
  return -1;
}

static int is_lock(int command) {
  return command == F_SETLK || command == F_SETLKW || command == F_GETLK || command == F_OFD_SETLK ||
         command == F_OFD_SETLKW || command == F_OFD_GETLK;
}

int flock(int file, int operation) {
  (void)file;
  (void)operation;
  return refuse();
}

#define DEFINE(name)                                                               \
  int name(int file, int command, ...) {                                           \
    va_list more;                                                                  \
    va_start(more, command);                                                       \
    void* argument = va_arg(more, void*);                                          \
    va_end(more);                                                                  \
    if (is_lock(command)) return refuse();                                         \
    return ((__typeof__(&fcntl))dlsym(RTLD_NEXT, #name))(file, command, argument); \
  }
DEFINE(fcntl)
DEFINE(fcntl64)
