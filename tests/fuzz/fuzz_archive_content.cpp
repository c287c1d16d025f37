// Archives and shards that are sound HDF5 and rightly sealed, with contents that meander never wrote: the texts of the
// header, the values and the shapes of all arrays. They are read, or refused with BadInput; what is read of a shard are
// rows of its study, whose arrays fit their layout, and can be joined. Changed are values, not bytes: HDF5 1.10 itself
// crashes on damaged structures, and a right seal says that the bytes are as they were written (fuzz_archive_file has
// those without, which a child process reads first).
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

#include "example_archive.hpp"
#include "pipeline/archive/read/archive_check.hpp"
#include "pipeline/archive/read/archive_reader.hpp"
#include "pipeline/archive/read/archive_summary.hpp"
#include "pipeline/archive/read/archive_warnings.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/measure/tasks.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace {

using namespace meander;

// A part of the text replaced, or all of it.
void change_text(FuzzedDataProvider& input, hid_t file, const char* name) {
  std::string text = hdf5::read_text_attribute(file, name);
  if (input.ConsumeBool()) {
    const std::size_t at = input.ConsumeIntegralInRange<std::size_t>(0, text.size());
    text.replace(at, input.ConsumeIntegralInRange<std::size_t>(0, 40), input.ConsumeRandomLengthString(60));
  } else {
    text = input.ConsumeRandomLengthString(4000);
  }
  std::erase(text, '\0');
  H5Adelete(file, name);
  hdf5::write_text_attribute(file, name, text);
}

template <class T>
void change_values(FuzzedDataProvider& input, hid_t dataset) {
  std::size_t size = 1;
  for (const hsize_t extent : hdf5::extents(dataset)) size *= extent;
  if (size == 0) return;
  std::vector<T> values(size);
  H5Dread(dataset, hdf5::memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  T& value = values[input.ConsumeIntegralInRange<std::size_t>(0, size - 1)];
  // Near what is right, or another of them, or anything.
  switch (input.ConsumeIntegralInRange(0, 3)) {
    case 0:
      value = static_cast<T>(static_cast<std::uint64_t>(value) + input.ConsumeIntegral<std::uint8_t>());
      break;
    case 1:
      value = static_cast<T>(static_cast<std::uint64_t>(value) - input.ConsumeIntegral<std::uint8_t>());
      break;
    case 2:
      std::swap(value, values[input.ConsumeIntegralInRange<std::size_t>(0, size - 1)]);
      break;
    default:
      value = input.ConsumeIntegral<T>();
  }
  H5Dwrite(dataset, hdf5::memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
}

void change_array(FuzzedDataProvider& input, hid_t group, const std::string& name) {
  if (input.ConsumeProbability<float>() < 0.2F) {
    H5Ldelete(group, name.c_str(), H5P_DEFAULT);
    if (input.ConsumeBool()) return;
    const std::vector<std::int64_t> values(input.ConsumeIntegralInRange<std::size_t>(0, 30),
                                           input.ConsumeIntegral<std::int64_t>());
    const std::vector<hsize_t> shape{values.size()};
    hdf5::write_dataset<std::int64_t>(group, name, values, shape);
    return;
  }
  const hdf5::Handle dataset = hdf5::open_dataset(group, name);
  const hdf5::Handle type(H5Dget_type(dataset.id()), H5Tclose, "type");
  if (H5Tget_class(type.id()) == H5T_STRING) return;
  H5Tget_size(type.id()) == 1 ? change_values<std::int8_t>(input, dataset.id())
                              : change_values<std::int64_t>(input, dataset.id());
}

// The datasets of an archive, or of one family of a shard: its rows or its arrays.
void change(FuzzedDataProvider& input, const std::string& path) {
  const auto held = hdf5::lock();
  hdf5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, path);
  const bool shard = path.ends_with(shard_extension);
  const char* const places[] = {"family_0", "family_0/arrays", "family_0/arrays", "family_1", "family_1/arrays"};
  const hdf5::Handle group = hdf5::open_group(file.id(), shard ? input.PickValueInArray(places) : "/");
  std::vector<std::string> names = hdf5::members(group.id());
  std::erase(names, "arrays");
  for (int changes = input.ConsumeIntegralInRange(1, 4); changes > 0; --changes) {
    const char* const texts[] = {"study", "layout", "input_files", "identity", "title"};
    if (input.ConsumeProbability<float>() < 0.2F) {
      change_text(input, file.id(), input.PickValueInArray(texts));
    } else {
      const std::string& name = names[input.ConsumeIntegralInRange<std::size_t>(0, names.size() - 1)];
      if (hdf5::exists(group.id(), name)) change_array(input, group.id(), name);
    }
  }
  file.close();
}

void require(bool condition) {
  if (!condition) std::abort();
}

// Whatever was believed holds together.
void read_rows(const std::string& path) {
  const Shard shard = read_shard(path, ShardPart::everything);
  const Study& study = shard.header.study;
  const Layout& layout = shard.header.layout;
  for (const Record& record : shard.records) {
    validate(record, layout);
    const Family& family = layout.families.at(record.family);
    require(record.key == task_key(study, family, CellSpace(study, family), record.cell));
  }
  require(read_shard(path, ShardPart::statuses).records.size() == shard.records.size());
}

void read_everything(const std::string& path) {
  if (path.ends_with(shard_extension)) return read_rows(path);
  const Header header = read_header(path);
  static_cast<void>(read_statuses(header.study, header.layout, {path}));
  static_cast<void>(check_archive(path));
  static_cast<void>(summarise(path));
  static_cast<void>(archive_warnings(path));
  const ArchiveReader archive(path);
  for (std::size_t f = 0; f < archive.header().layout.families.size(); ++f) {
    static_cast<void>(archive.records(f, 0, archive.cells(f)));
  }
}

struct Examples {
  fuzzing::Folder folder;
  std::string archive = fuzzing::example_archive(folder);
  std::string shard;
  Examples() {
    const std::string sealed = archive_testing::content(shard_files(folder / "a.h5").at(0));
    shard = sealed.substr(0, sealed.size() - seal_size);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Examples examples;
  FuzzedDataProvider input(data, size);
  const bool shard = input.ConsumeBool();
  const std::string name = shard ? "fuzzed.shard" : "fuzzed.h5";
  const std::string path = examples.folder.write(name, shard ? examples.shard : examples.archive);
  try {
    change(input, path);
  } catch (const hdf5::Error&) {  // the change itself made no sense
    return 0;
  }
  seal_and_rename(path, path);
  try {
    read_everything(path);
  } catch (const BadInput&) {
  }
  return 0;
}
