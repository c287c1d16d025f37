// A library that is loaded when it is asked for: where it is looked for, and what is said where it is not there. The C
// library of mathematics stands for one that was built well.
#include "kernels/base/loaded_library.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace meander {
namespace {

using std::filesystem::path;
using testing::HasSubstr;

path library_of_mathematics() {
  Dl_info info;
  if (dladdr(dlsym(RTLD_DEFAULT, "cos"), &info) == 0) throw std::logic_error("the C library is not found");
  return std::filesystem::canonical(info.dli_fname);
}

class LoadedLibraryTest : public testing::Test {
 protected:
  LoadedLibraryTest() {
    std::filesystem::create_directories(folder_ / "bin");
    std::filesystem::create_directories(folder_ / "lib");
  }
  ~LoadedLibraryTest() override { std::filesystem::remove_all(folder_); }

  static double call(void* entry, double x) { return reinterpret_cast<double (*)(double)>(entry)(x); }

  std::string problem(const char* entry) const {
    try {
      load_entry(library_, entry, folder_ / "bin");
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  path folder_ = std::filesystem::temp_directory_path() / ("meander_library_" + std::to_string(getpid()));
  LoadedLibrary library_{"the solver", folder_ / "built" / "libsolver.so", "../lib"};
};

TEST_F(LoadedLibraryTest, MissingEverywhere) {
  EXPECT_EQ(problem("cos"),
            "the solver could not be loaded (its library was not found beside the program), install meander with it");
}

TEST_F(LoadedLibraryTest, WithoutTheEntry) {
  library_.built = library_of_mathematics();
  const std::string text = problem("meander_no_such_entry");
  EXPECT_THAT(text, HasSubstr("the solver could not be loaded ("));
  EXPECT_THAT(text, HasSubstr("meander_no_such_entry"));
  EXPECT_THAT(text, HasSubstr("), install meander with it"));
}

TEST_F(LoadedLibraryTest, WhereItWasBuilt) {
  library_.built = library_of_mathematics();
  EXPECT_EQ(call(load_entry(library_, "cos", folder_ / "bin"), 0.0), 1.0);
}

TEST_F(LoadedLibraryTest, WhereAnInstallationPutsIt) {
  std::filesystem::create_symlink(library_of_mathematics(), folder_ / "lib" / "libsolver.so");
  EXPECT_EQ(call(load_entry(library_, "cos", folder_ / "bin"), 0.0), 1.0);
}

/// One that is broken does not hide the next, and is named where there is no other.
TEST_F(LoadedLibraryTest, BrokenBesideTheProgram) {
  std::ofstream(folder_ / "bin" / "libsolver.so") << "no library\n";
  EXPECT_THAT(problem("cos"), HasSubstr((folder_ / "bin" / "libsolver.so").string()));
  std::filesystem::create_symlink(library_of_mathematics(), folder_ / "lib" / "libsolver.so");
  EXPECT_EQ(call(load_entry(library_, "cos", folder_ / "bin"), 0.0), 1.0);
  EXPECT_THAT(problem("meander_no_such_entry"), HasSubstr("; "));
}

/// Whoever stands in a prepared folder loads nothing from it, also where the system does not tell the program's folder.
TEST_F(LoadedLibraryTest, NeverFromTheWorkingDirectory) {
  const path before = std::filesystem::current_path();
  std::filesystem::create_symlink(library_of_mathematics(), folder_ / "lib" / "libsolver.so");
  std::filesystem::create_symlink(library_of_mathematics(), folder_ / "bin" / "libsolver.so");
  std::filesystem::current_path(folder_ / "bin");
  EXPECT_THROW(load_entry(library_, "cos", ""), std::runtime_error);
  EXPECT_THROW(load_entry(library_, "cos", "."), std::runtime_error);
  std::filesystem::current_path(before);
}

TEST(ProgramFolder, IsThisTests) {
  EXPECT_TRUE(std::filesystem::exists(program_folder() / "test_kernels"));
}

}  // namespace
}  // namespace meander
