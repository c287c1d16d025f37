#include "pipeline/run/share_study.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "pipeline/ranks/collective.hpp"

namespace meander {

void broadcast(MPI_Comm comm, Study& study) {
  if (size_of(comm) == 1) return;
  const bool root = rank_of(comm) == 0;
  std::string text = root ? study.text() : "";
  broadcast(comm, text);

  std::map<std::string, StudyFile> files = study.files;
  std::uint64_t count = files.size();
  MPI_Bcast(&count, 1, MPI_UINT64_T, 0, comm);
  auto next = files.begin();
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string key = root ? next->first : "";
    StudyFile file = root ? next->second : StudyFile{};
    broadcast(comm, key);
    broadcast(comm, file.path);
    broadcast(comm, file.sha256);
    Bytes bytes = root ? *file.bytes : Bytes{};
    broadcast(comm, bytes);
    if (root) {
      ++next;
    } else {
      file.bytes = std::make_shared<const Bytes>(std::move(bytes));
      files[key] = std::move(file);
    }
  }
  if (!root) study = restore_study(text, files);
}

}  // namespace meander
