// Whatever a name leads to, opening it for reading ends at once, with the content or with the reason.
#include "pipeline/files/regular_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace meander {
namespace {

using testing::HasSubstr;

class RegularFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("meander_files_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string refusal(const std::string& path) {
    std::string problem;
    EXPECT_FALSE(read_regular_file(path, problem).has_value());
    EXPECT_EQ(open_regular_file(path, problem), -1);
    EXPECT_EQ(regular_file_problem(path), problem);
    return problem;
  }

  std::filesystem::path folder_;
};

TEST_F(RegularFiles, AreReadWholeThroughLinksToo) {
  const std::string text(300000, 'x');
  std::ofstream(path("a")) << text;
  std::filesystem::create_symlink("a", path("link"));
  std::ofstream(path("empty")).flush();
  std::string problem;
  for (const char* name : {"a", "link"}) {
    EXPECT_FALSE(regular_file_problem(path(name)).has_value());
    const auto bytes = read_regular_file(path(name), problem);
    ASSERT_TRUE(bytes.has_value());
    ASSERT_EQ(bytes->size(), text.size());
    EXPECT_EQ(std::memcmp(bytes->data(), text.data(), text.size()), 0);
  }
  EXPECT_TRUE(read_regular_file(path("empty"), problem)->empty());
  EXPECT_GT(read_regular_file("/proc/self/status", problem)->size(), 100U) << "says that it has 0 bytes";
  EXPECT_EQ(problem, "");
}

TEST_F(RegularFiles, AnythingElseIsRefusedAtOnce) {
  ::mkfifo(path("fifo").c_str(), 0600);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path("socket").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  std::filesystem::create_symlink("fifo", path("link"));
  std::filesystem::create_symlink("loop", path("loop"));
  std::filesystem::create_directory(path("folder"));
  EXPECT_THAT(refusal(path("fifo")), HasSubstr("it is a pipe"));
  EXPECT_THAT(refusal(path("link")), HasSubstr("it is a pipe"));
  EXPECT_THAT(refusal(path("socket")), HasSubstr("it is a socket"));
  EXPECT_THAT(refusal("/dev/zero"), HasSubstr("it is a device"));
  EXPECT_EQ(refusal(path("folder")), "it is a directory");
  EXPECT_EQ(refusal(path("missing")), "No such file or directory");
  EXPECT_EQ(refusal(path("loop")), "Too many levels of symbolic links");
  ::close(socket);
}

TEST_F(RegularFiles, MoreThanTheMemoryIsNotTried) {
  std::ofstream(path("sparse")).flush();
  if (::truncate(path("sparse").c_str(), off_t{1} << 43) != 0) GTEST_SKIP() << "no file of 8 TiB here";
  std::string problem;
  EXPECT_FALSE(read_regular_file(path("sparse"), problem).has_value());
  EXPECT_EQ(problem, "it has 8796093022208 bytes, more than fit in memory");
}

}  // namespace
}  // namespace meander
