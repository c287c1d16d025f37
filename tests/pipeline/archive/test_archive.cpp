// What is written to an archive comes back, and a file that is no good archive is told apart.
#include <gtest/gtest.h>
#include <mpi.h>
#include <sys/stat.h>

#include <cmath>
#include <random>

#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/read/archive_check.hpp"
#include "pipeline/archive/read/archive_reader.hpp"
#include "pipeline/archive/read/archive_summary.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "tests/support/archive_fixture.hpp"

namespace meander {
namespace {

using namespace archive_testing;

std::string written_archive(const Folder& folder) {
  const Study study = small_study();
  const Layout layout = small_layout();
  std::vector<Record> records = all_records(study, layout);
  records[3] = failed_record_of(layout, 3, "out of memory: 3 GiB");
  records.erase(records.begin() + 7);
  const std::string shard = write_shard(folder / "a.h5", 0, study, layout, records);
  write_archive(MPI_COMM_SELF, folder / "a.h5", study, layout, {shard}, some_attributes());
  return folder / "a.h5";
}

std::string problem_of(const std::string& path) {
  try {
    static_cast<void>(read_header(path));
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

TEST(archive, gives_back_every_record) {
  const Folder folder;
  const ArchiveReader archive(written_archive(folder));
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::vector<Record> records = archive.records(0, 0, archive.cells(0));
  ASSERT_EQ(records.size(), 35U);
  for (const Record& record : records) {
    if (record.cell == 3) {
      EXPECT_EQ(record.status, Status::failed);
      EXPECT_EQ(record.message, "out of memory: 3 GiB");
      EXPECT_TRUE(std::isnan(std::get<std::vector<double>>(record.arrays[2]).at(0)));
      continue;
    }
    const Record expected = record_of(study, layout, 0, record.cell);
    EXPECT_EQ(record.status, Status::done);
    EXPECT_EQ(record.seconds, expected.seconds);
    // The last layer of a shallower network is missing, everything before it is there.
    const auto& lengths = std::get<std::vector<double>>(record.arrays[0]);
    const auto& wanted = std::get<std::vector<double>>(expected.arrays[0]);
    ASSERT_EQ(lengths.size(), 3U);
    EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), lengths.begin()));
    if (wanted.size() == 2) {
      EXPECT_TRUE(std::isnan(lengths[2]));
      EXPECT_EQ(std::get<std::vector<std::int64_t>>(record.arrays[1])[2], std::numeric_limits<std::int64_t>::min());
    }
    for (const std::size_t array : {2U, 3U, 5U, 6U, 7U}) {
      EXPECT_EQ(record.arrays[array], expected.arrays[array]) << layout.families[0].arrays[array].name;
    }
    EXPECT_EQ(record.extents[5], expected.extents[5]);
  }
  EXPECT_EQ(archive.records(1, 0, 2).size(), 2U);
}

TEST(archive, reads_any_range_of_cells_alike) {
  const Folder folder;
  const ArchiveReader archive(written_archive(folder));
  const std::vector<Record> all = archive.records(0, 0, archive.cells(0));
  for (std::size_t begin = 0; begin < archive.cells(0); begin += 5) {
    for (std::size_t end = begin + 1; end <= archive.cells(0); ++end) {
      for (const Record& record : archive.records(0, begin, end)) {
        const auto same = std::find_if(all.begin(), all.end(), [&](const Record& r) { return r.cell == record.cell; });
        ASSERT_NE(same, all.end());
        ASSERT_EQ(record.arrays[5], same->arrays[5]);
        ASSERT_EQ(record.arrays[1], same->arrays[1]);
      }
    }
  }
}

TEST(archive, header_carries_study_layout_and_attributes) {
  const Folder folder;
  const Header header = read_header(written_archive(folder));
  const Study study = small_study();
  EXPECT_FALSE(header.is_shard);
  EXPECT_EQ(header.study.text(), study.text());
  EXPECT_EQ(header.study.identity(), study.identity());
  EXPECT_EQ(header.layout.toml(), small_layout().toml());
  for (const auto& attribute : some_attributes()) {
    EXPECT_NE(std::find(header.attributes.begin(), header.attributes.end(), attribute), header.attributes.end())
        << attribute.first;
  }
}

TEST(archive, digests_of_input_files_survive) {
  const Folder folder;
  Study study = small_study();
  study.files["input.images"] = {"with  two  spaces.gz", std::string(64, 'a'), nullptr};
  const Layout layout = small_layout();
  write_archive(MPI_COMM_SELF, folder / "a.h5", study, layout, {}, {});
  const Header header = read_header(folder / "a.h5");
  ASSERT_NE(header.study.file("input.images"), nullptr);
  EXPECT_EQ(header.study.file("input.images")->path, "with  two  spaces.gz");
  EXPECT_EQ(header.study.identity(), study.identity());
}

TEST(archive, says_what_is_wrong_with_a_file) {
  const Folder folder;
  const std::string path = written_archive(folder);
  const std::string bytes = content(path);
  EXPECT_NE(problem_of(folder / "none.h5").find("no such file"), std::string::npos);
  ::mkdir((folder / "dir").c_str(), 0700);
  EXPECT_NE(problem_of(folder / "dir").find("a directory"), std::string::npos);
  overwrite(folder / "b.h5", "");
  EXPECT_NE(problem_of(folder / "b.h5").find("empty"), std::string::npos);
  overwrite(folder / "b.h5", "this is a text file");
  EXPECT_NE(problem_of(folder / "b.h5").find("not HDF5"), std::string::npos);
  for (const std::size_t size : {10UL, 100UL, bytes.size() / 2, bytes.size() - 200, bytes.size() - 81}) {
    overwrite(folder / "b.h5", bytes.substr(0, size));
    const std::string problem = problem_of(folder / "b.h5");
    EXPECT_TRUE(problem.find("cut short") != std::string::npos || problem.find("damaged") != std::string::npos)
        << size << ": " << problem;
  }
}

TEST(archive, is_read_with_a_warning_once_another_program_wrote_into_it) {
  const Folder folder;
  const std::string path = written_archive(folder);
  EXPECT_EQ(read_header(path).warning, "");
  {
    const auto held = hdf5::lock();
    hdf5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, path);
    hdf5::write_text_attribute(file.id(), "note", "looks odd at width 8");
    hdf5::create_group(file.id(), "my own").close();
    hdf5::write_text_dataset(file.id(), "comments", {"one", "two"}).close();
    file.close();
  }
  EXPECT_NE(read_header(path).warning.find("its seal is gone"), std::string::npos);
  const Summary summary = summarise(path);
  EXPECT_EQ(summary.families[0].count(Status::done), 34U);
  EXPECT_EQ(summary.warnings, std::vector<std::string>{read_header(path).warning});
  EXPECT_FALSE(check_archive(path).intact());
}

TEST(archive, without_its_seal_is_refused_where_an_array_is_damaged) {
  const Folder folder;
  const std::string path = written_archive(folder);
  const std::string bytes = content(path).substr(0, content(path).size() - 80);
  overwrite(path, bytes);
  EXPECT_EQ(problem_of(path), "");
  std::mt19937 random(11);
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    std::string damaged = bytes;
    for (int j = 0; j < 40; ++j) damaged[random() % damaged.size()] = static_cast<char>(random());
    overwrite(path, damaged);
    const std::string problem = problem_of(path);  // and no crash
    if (problem.empty()) continue;
    ++refused;
    EXPECT_NE(problem.find(path), std::string::npos);
  }
  EXPECT_GT(refused, 50);
}

TEST(archive, says_that_a_file_is_of_another_kind_or_newer) {
  const Folder folder;
  const auto make = [&](const std::string& filetype, std::int64_t major) {
    const auto held = hdf5::lock();
    hdf5::Handle file(H5Fcreate((folder / "c.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, "file");
    if (!filetype.empty()) hdf5::write_text_attribute(file.id(), "filetype", filetype);
    const std::int64_t version[] = {major, 3};
    hdf5::write_attribute<std::int64_t>(file.id(), "version", version);
    file.close();
  };
  make("meander_network", 1);
  EXPECT_NE(problem_of(folder / "c.h5").find("'meander_network'"), std::string::npos);
  make("", 1);
  EXPECT_NE(problem_of(folder / "c.h5").find("filetype is missing"), std::string::npos);
  make("meander_study", 2);
  EXPECT_NE(problem_of(folder / "c.h5").find("version 2.3 is newer"), std::string::npos);
  make("meander_study", 1);
  EXPECT_NE(problem_of(folder / "c.h5").find("damaged"), std::string::npos);
}

TEST(archive, failure_to_write_leaves_the_old_one) {
  const Folder folder;
  const std::string path = written_archive(folder);
  const std::string before = content(path);
  const Study study = small_study();
  // The target becomes a folder: the rename at the very end fails.
  ::mkdir((folder / "taken.h5").c_str(), 0700);
  EXPECT_THROW(write_archive(MPI_COMM_SELF, folder / "taken.h5", study, small_layout(), {path}, {}),
               std::runtime_error);
  EXPECT_THROW(write_archive(MPI_COMM_SELF, folder / "nowhere/b.h5", study, small_layout(), {path}, {}),
               std::runtime_error);
  EXPECT_EQ(content(path), before);
  std::size_t entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(path).parent_path())) {
    EXPECT_EQ(entry.path().string().find(".tmp-"), std::string::npos) << entry.path();
    ++entries;
  }
  EXPECT_EQ(entries, 3U);  // the archive, its shards, the folder
}

TEST(archive, studies_without_a_sweep_have_scalar_arrays) {
  const Folder folder;
  Study study = small_study();
  study.sweep.clear();
  Layout layout;
  layout.families = {{"invented", {}, false, {{"mean", "1", "mean", ArrayType::float64, {}, false, ""}}}};
  Results results(layout.families[0]);
  results.set("mean", 2.5);
  Record record;
  std::move(results).fill(record);
  const std::string shard = write_shard(folder / "a.h5", 0, study, layout, {record});
  write_archive(MPI_COMM_SELF, folder / "a.h5", study, layout, {shard}, {});
  const ArchiveReader archive(folder / "a.h5");
  ASSERT_EQ(archive.records(0, 0, 1).size(), 1U);
  EXPECT_EQ(std::get<std::vector<double>>(archive.records(0, 0, 1)[0].arrays[0]), std::vector<double>{2.5});
}

TEST(archive, chunks_hold_about_a_mebibyte_and_depend_on_the_shape_alone) {
  EXPECT_EQ(chunk_shape({3, 4}, 8), (std::vector<hsize_t>{3, 4}));
  EXPECT_EQ(chunk_shape({0, 4}, 8), (std::vector<hsize_t>{1, 4}));
  for (const std::vector<hsize_t>& shape :
       std::vector<std::vector<hsize_t>>{{1000, 1000}, {1U << 20, 3}, {7, 11, 13, 1000}, {2, 100000000}, {50000000}}) {
    const std::vector<hsize_t> chunk = chunk_shape(shape, 8);
    std::size_t bytes = 8;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      EXPECT_GE(shape[d], chunk[d]);
      bytes *= chunk[d];
    }
    EXPECT_LE(bytes, std::size_t{1} << 20);
    EXPECT_GE(bytes, std::size_t{1} << 18);
  }
}

TEST(archive, units_are_boxes_of_cells_that_follow_each_other) {
  for (const std::vector<std::size_t>& extents :
       std::vector<std::vector<std::size_t>>{{}, {1}, {7}, {3, 5, 11}, {1, 1000}, {4, 1, 1, 9}, {64, 64}}) {
    std::size_t cells = 1;
    for (const std::size_t extent : extents) cells *= extent;
    for (const std::size_t most : {0, 1, 2, 3, 8, 11, 60, 100, 5000}) {
      const CellUnits units(extents, most);
      std::size_t next = 0;
      for (std::size_t u = 0; u < units.count(); ++u) {
        const CellRange range = units[u];
        ASSERT_EQ(range.begin, next);
        ASSERT_GT(range.end, range.begin);
        ASSERT_LE(range.size(), std::max<std::size_t>(most, 1));
        ASSERT_EQ(units.of(range.begin), u);
        ASSERT_EQ(units.of(range.end - 1), u);
        // All of them lie in the chunk that begins at the corner.
        const std::vector<hsize_t> corner = units.corner(u);
        const std::vector<hsize_t> box = units.box();
        for (std::size_t cell = range.begin; cell < range.end; ++cell) {
          std::size_t rest = cell;
          for (std::size_t d = extents.size(); d-- > 0; rest /= extents[d]) {
            const std::size_t at = rest % extents[d];
            ASSERT_EQ(corner[d] % box[d], 0u);
            ASSERT_GE(at, corner[d]);
            ASSERT_LT(at, corner[d] + box[d]);
          }
        }
        next = range.end;
      }
      ASSERT_EQ(next, cells);
      ASSERT_EQ(units.count() == 1, cells <= std::max<std::size_t>(most, 1)) << cells << " " << most;
    }
  }
  EXPECT_EQ(CellUnits({3, 0}, 5).count(), 0u);
}

TEST(archive, summary_counts_cells_and_messages) {
  const Folder folder;
  const Summary summary = summarise(written_archive(folder));
  EXPECT_TRUE(summary.has_archive);
  ASSERT_EQ(summary.families.size(), 2U);
  EXPECT_EQ(summary.families[0].count(Status::done), 34U);
  EXPECT_EQ(summary.families[0].count(Status::failed), 1U);
  EXPECT_EQ(summary.families[0].count(Status::missing), 1U);
  EXPECT_EQ(summary.families[1].count(Status::done), 2U);
  ASSERT_EQ(summary.messages.size(), 1U);
  EXPECT_EQ(summary.messages[0], std::pair(std::string("out of memory: 3 GiB"), std::size_t{1}));
  EXPECT_EQ(summary.arrays.size(), 9U);
  EXPECT_EQ(summary.dimensions.at(0).text(), "4, 8, 16");
}

TEST(archive, summary_takes_shards_of_a_running_job_into_account) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::vector<Record> records = all_records(study, layout);
  const std::string shard = write_shard(folder / "a.h5", 0, study, layout, {records[0], records[1]});
  const Summary before = summarise(folder / "a.h5");
  EXPECT_FALSE(before.has_archive);
  EXPECT_EQ(before.count(Status::done), 2U);
  write_archive(MPI_COMM_SELF, folder / "a.h5", study, layout, {shard}, {});
  const std::string more = write_shard(folder / "a.h5", 0, study, layout, {records[1], records[5]});
  overwrite(shard, "damaged");
  const Summary after = summarise(folder / "a.h5");
  EXPECT_TRUE(after.has_archive);
  EXPECT_EQ(after.shards, 1U);
  EXPECT_EQ(after.warnings.size(), 1U);
  EXPECT_EQ(after.count(Status::done), 3U);
  EXPECT_THROW(summarise(folder / "none.h5"), BadInput);
}

}  // namespace
}  // namespace meander
