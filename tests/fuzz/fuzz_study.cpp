// The study parser on arbitrary text: a study, or BadInput. What is read comes back from its own text.
#include <cstdint>
#include <cstdlib>

#include "fuzz_folder.hpp"
#include "pipeline/measure/layout.hpp"
#include "pipeline/study/study.hpp"
#include "pipeline/study_reader/study_reader.hpp"
#include "tests/support/fake_measure.hpp"

namespace {

using namespace meander;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzzing::Folder folder;
  static const Catalogue catalogue = testing::fake_catalogue();
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const Study study = read_study(folder.write("study.toml", text), {}, catalogue).study;
    const Study again = restore_study(study.text(), study.files);
    require(again.text() == study.text());
    require(again.identity() == study.identity());
  } catch (const BadInput&) {
  }
  // As an archive holds them, written by anybody.
  try {
    const Study study = restore_study(text, {});
    require(restore_study(study.text(), {}).text() == study.text());
  } catch (const BadInput&) {
  }
  try {
    static_cast<void>(Layout::parse(text));
  } catch (const BadInput&) {
  }
  return 0;
}
