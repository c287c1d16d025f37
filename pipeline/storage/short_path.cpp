#include "pipeline/storage/short_path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace meander {
namespace {

constexpr std::size_t longest = 180;  // the libraries add endings and working folders

}  // namespace

ShortPath::ShortPath(const std::string& path) : path_(path) {
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(path, ignored);
  if (ignored || whole.string().size() <= longest) return;
  folder_ = ::open(whole.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::string short_path = "/proc/self/fd/" + std::to_string(folder_) + "/" + whole.filename().string();
  if (folder_ >= 0 && std::filesystem::exists(short_path, ignored)) path_ = short_path;
}

ShortPath::~ShortPath() {
  if (folder_ >= 0) ::close(folder_);
}

}  // namespace meander
