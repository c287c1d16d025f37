// `meander show` on a file of arbitrary bytes, and on a good archive of which some bytes were changed:
// a summary, or BadInput. Without a seal HDF5 meets such bytes in a child process only, and may crash there.
#include <cstdint>
#include <cstring>

#include "example_archive.hpp"
#include "pipeline/archive/read/archive_check.hpp"
#include "pipeline/archive/read/archive_summary.hpp"
#include "pipeline/values/diagnostics.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meander;
  static const fuzzing::Folder folder;
  static const std::string good = fuzzing::example_archive(folder);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  // The first byte chooses between the bytes as they are and changes to the archive: position, value.
  if (size > 0 && data[0] % 2 == 1) {
    std::string changed = good;
    for (std::size_t i = 1; i + 4 <= size; i += 4) {
      const std::size_t position = (data[i] | data[i + 1] << 8 | data[i + 2] << 16) % changed.size();
      changed[position] = static_cast<char>(data[i + 3]);
    }
    if (data[0] % 4 == 3) changed.resize(changed.size() * (data[0] / 4) / 64);
    bytes = std::move(changed);
  }
  const std::string path = folder.write("fuzzed.h5", bytes);
  try {
    static_cast<void>(summarise(path));
  } catch (const BadInput&) {
  }
  return 0;
}
