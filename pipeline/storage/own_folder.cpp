#include "pipeline/storage/own_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace meander {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw std::runtime_error("cannot use the folder '" + path + "' (" + why + ")");
}

}  // namespace

int open_own_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) fail(path, std::generic_category().message(errno));
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) {
    const int error = errno;
    struct stat there {};
    const bool link = ::lstat(path.c_str(), &there) == 0 && S_ISLNK(there.st_mode);
    fail(path, link ? "it is a link, which is not followed" : std::generic_category().message(error));
  }
  struct stat status {};
  const bool known = ::fstat(folder, &status) == 0;
  if (known && status.st_uid == ::geteuid()) return folder;
  ::close(folder);
  fail(path, known ? "it belongs to another user" : "its owner cannot be found out");
}

void require_own_folder(const std::string& path) {
  ::close(open_own_folder(path));
}

}  // namespace meander
