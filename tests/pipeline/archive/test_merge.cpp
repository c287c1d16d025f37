// Joining: the whole is the same however it was cut, conflicts are refused, and nothing is lost.
#include <gtest/gtest.h>
#include <mpi.h>

#include <cmath>
#include <functional>
#include <random>

#include "pipeline/archive/read/archive_reader.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/write/merge.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "tests/support/archive_fixture.hpp"

namespace meander {
namespace {

using namespace archive_testing;

void join(const std::string& out, const Study& study, const Layout& layout, const std::vector<std::string>& sources) {
  write_archive(MPI_COMM_SELF, out, study, layout, sources, some_attributes());
}

std::string archive_of(const Folder& folder, const std::string& name, const Study& study, const Layout& layout,
                       const std::vector<Record>& records) {
  const std::string shard = write_shard(folder / name, 0, study, layout, records);
  std::filesystem::remove(folder / name);  // one that is none of the sources is not replaced
  join(folder / name, study, layout, {shard});
  return folder / name;
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

bool keep_half(const Record& record, bool first) {
  return ((record.cell * 7 + record.family) % 3 == 0) == first;
}

std::vector<Record> half(const std::vector<Record>& all, bool first) {
  std::vector<Record> some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some),
               [&](const Record& record) { return keep_half(record, first); });
  return some;
}

TEST(merge, of_two_halves_is_the_whole_byte_for_byte) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::vector<Record> all = all_records(study, layout);
  const std::string whole = archive_of(folder, "whole.h5", study, layout, all);
  const std::string a = archive_of(folder, "a.h5", study, layout, half(all, true));
  const std::string b = archive_of(folder, "b.h5", study, layout, half(all, false));
  join(folder / "ab.h5", study, layout, {a, b});
  join(folder / "ba.h5", study, layout, {b, a});
  EXPECT_EQ(content(folder / "ab.h5"), content(whole));
  EXPECT_EQ(content(folder / "ba.h5"), content(whole));
  join(folder / "twice.h5", study, layout, {whole, a, whole, folder / "ab.h5"});
  EXPECT_EQ(content(folder / "twice.h5"), content(whole));
}

TEST(merge, of_two_halves_of_a_sweep_is_the_whole) {
  const Folder folder;
  const Layout layout = small_layout();
  const Study study = small_study();
  const std::string whole = archive_of(folder, "whole.h5", study, layout, all_records(study, layout));
  const Study small = small_study({4, 8, 16}, {0.5});
  const Study other = small_study({4, 8, 16}, {1.5});
  const std::string a = archive_of(folder, "a.h5", small, layout, all_records(small, layout));
  const std::string b = archive_of(folder, "b.h5", other, layout, all_records(other, layout));
  const Study united = unite(read_header(b).study, read_header(a).study);
  join(folder / "ab.h5", united, unite(read_header(a).layout, read_header(b).layout), {b, a});
  EXPECT_EQ(content(folder / "ab.h5"), content(whole));
}

TEST(merge, extends_a_sweep_the_realizations_and_the_depth) {
  const Folder folder;
  const Study old_study = small_study({4, 16}, {1.5}, 2);
  const Layout old_layout = small_layout(2);
  const std::string old = archive_of(folder, "a.h5", old_study, old_layout, all_records(old_study, old_layout));
  const Study study = small_study({4, 8, 16, 32}, {0.5, 1.5}, 4);
  const Layout layout = unite(old_layout, small_layout(3));
  EXPECT_EQ(layout.dimension("layer").size, 3U);
  join(folder / "b.h5", study, layout, {old});
  const ArchiveReader archive(folder / "b.h5");
  const std::vector<Record> records = archive.records(0, 0, archive.cells(0));
  ASSERT_EQ(records.size(), 2U * 1U * 2U * 2U);
  for (const Record& record : records) {
    EXPECT_EQ(std::get<std::vector<double>>(record.arrays[2]).at(0),
              number_of(study, layout.families[0], record.cell) / 3);
    EXPECT_TRUE(std::isnan(std::get<std::vector<double>>(record.arrays[0]).at(2)));
  }
  const StatusMap statuses = read_statuses(study, layout, {old});
  EXPECT_EQ(std::count(statuses[0].begin(), statuses[0].end(), Status::done), 8);
  EXPECT_EQ(std::count(statuses[0].begin(), statuses[0].end(), Status::missing), 64 - 8);
}

TEST(merge, refuses_to_lose_cells) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::string whole = archive_of(folder, "whole.h5", study, layout, all_records(study, layout));
  const std::string text = refusal([&] { join(folder / "less.h5", small_study({4, 8}), layout, {whole}); });
  EXPECT_NE(text.find("width = 16"), std::string::npos) << text;
  EXPECT_NE(refusal([&] {
              join(folder / "less.h5", small_study({4, 8, 16}, {0.5, 1.5}, 2), layout, {whole});
            }).find("realization = 2"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "less.h5"));
}

TEST(merge, refuses_another_study) {
  const Folder folder;
  const Study study = small_study();
  Study other = study;
  other.seed = 8;
  const Layout layout = small_layout();
  const std::string whole = archive_of(folder, "whole.h5", study, layout, all_records(study, layout));
  EXPECT_NE(refusal([&] { join(folder / "b.h5", other, layout, {whole}); }).find("another study"), std::string::npos);
  EXPECT_NE(refusal([&] { read_statuses(other, layout, {whole}); }).find("another study"), std::string::npos);
}

TEST(merge, refuses_conflicting_cells_and_names_them) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const Record record = record_of(study, layout, 0, 5);  // width 4, sigma_w 0.5, hard_tanh, realization 2
  const std::string a = archive_of(folder, "a.h5", study, layout, {record});
  const auto differing = [&](const std::function<void(Record&)>& change) {
    Record other = record;
    change(other);
    const std::string b = write_shard(folder / "b.h5", 1, study, layout, {other});
    const std::string text = refusal([&] { join(folder / "c.h5", study, layout, {a, b}); });
    std::filesystem::remove(folder / "c.h5");
    EXPECT_EQ(text, refusal([&] { join(folder / "c.h5", study, layout, {b, a}); }));
    std::filesystem::remove(folder / "c.h5");
    return text;
  };
  const std::string text = differing([](Record& r) { ++std::get<std::vector<std::int64_t>>(r.arrays[1])[0]; });
  for (const char* word : {"'transitions'", "width = 4", "sigma_w = 0.5", "\"hard_tanh\"", "realization = 2"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word << " in " << text;
  }
  // One unit in the last place, on one core.
  EXPECT_NE(differing([](Record& r) {
              double& x = std::get<std::vector<double>>(r.arrays[2])[0];
              x = std::nextafter(x, 2 * x);
            }).find("'input_length'"),
            std::string::npos);
  EXPECT_NE(differing([](Record& r) {
              std::get<std::vector<double>>(r.arrays[5]).push_back(1.0);
              ++r.extents[5][0];
              std::get<std::vector<std::int64_t>>(r.arrays[6]).push_back(1);
              ++r.extents[6][0];
            }).find("'position'"),
            std::string::npos);
  EXPECT_EQ(differing([](Record& r) {
              r.seconds *= 2;
              std::get<std::vector<double>>(r.arrays[7])[0] += 1;
            }),
            "");
}

// Writes another core's name into an archive.
void change_core(const std::string& path, const std::string& core) {
  const auto held = hdf5::lock();
  hdf5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, path);
  hdf5::check(H5Adelete(file.id(), "blas_core"), path);
  hdf5::write_text_attribute(file.id(), "blas_core", core);
  file.close();
}

TEST(merge, compares_floats_to_rounding_across_cores_and_counts_exactly) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const auto joined = [&](double factor, std::int64_t added) {
    Record record = record_of(study, layout, 0, 5);
    const std::string a = archive_of(folder, "a.h5", study, layout, {record});
    std::get<std::vector<double>>(record.arrays[2])[0] *= factor;
    std::get<std::vector<std::int64_t>>(record.arrays[1])[0] += added;
    const std::string b = archive_of(folder, "b.h5", study, layout, {record});
    const std::string before = content(b);
    change_core(b, "Prescott");
    // HDF5 cuts the seal off when it writes; `merge` wants one.
    std::ofstream(b, std::ios::binary | std::ios::app) << before.substr(before.size() - 80);
    const std::string text = refusal([&] { join(folder / "ab.h5", study, layout, {a, b}); });
    if (text.empty()) {
      join(folder / "ba.h5", study, layout, {b, a});
      EXPECT_EQ(content(folder / "ab.h5"), content(folder / "ba.h5"));
    }
    return text;
  };
  EXPECT_EQ(joined(1.0 + 5e-13, 0), "");
  EXPECT_NE(joined(1.0 + 2e-12, 0).find("'input_length'"), std::string::npos);
  EXPECT_NE(joined(1.0, 1).find("'transitions'"), std::string::npos);
}

TEST(merge, keeps_the_done_one_of_a_failed_and_a_done_cell) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::string good = archive_of(folder, "a.h5", study, layout, {record_of(study, layout, 0, 5)});
  const std::string bad = archive_of(folder, "b.h5", study, layout, {failed_record_of(layout, 5, "no memory")});
  const std::string worse = archive_of(folder, "c.h5", study, layout, {failed_record_of(layout, 5, "a crash")});
  join(folder / "1.h5", study, layout, {good, bad, worse});
  join(folder / "2.h5", study, layout, {worse, bad, good});
  EXPECT_EQ(content(folder / "1.h5"), content(folder / "2.h5"));
  EXPECT_EQ(ArchiveReader(folder / "1.h5").records(0, 5, 6).at(0).status, Status::done);
  join(folder / "3.h5", study, layout, {bad, worse});
  join(folder / "4.h5", study, layout, {worse, bad});
  EXPECT_EQ(content(folder / "3.h5"), content(folder / "4.h5"));
  EXPECT_EQ(ArchiveReader(folder / "3.h5").records(0, 5, 6).at(0).message, "a crash");
}

TEST(merge, does_not_depend_on_how_and_in_which_order_the_cells_came) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::vector<Record> all = all_records(study, layout);
  const std::string whole = archive_of(folder, "whole.h5", study, layout, all);
  std::mt19937 random(3);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::vector<Record>> parts(1 + random() % 5);
    for (const Record& record : all) {
      const std::size_t part = random() % parts.size();
      const std::size_t other = random() % parts.size();
      parts[part].push_back(record);
      if (random() % 4 == 0 && other != part) {  // a shard holds a cell once
        Record again = record;
        again.seconds += 1.0 + static_cast<double>(random() % 3);  // the quicker one is kept
        parts[other].push_back(again);
      }
    }
    std::vector<std::string> sources;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      std::shuffle(parts[p].begin(), parts[p].end(), random);
      const std::string name = "part" + std::to_string(round) + "-" + std::to_string(p) + ".h5";
      sources.push_back(random() % 2 == 0 ? archive_of(folder, name, study, layout, parts[p])
                                          : write_shard(folder / name, 0, study, layout, parts[p]));
    }
    std::shuffle(sources.begin(), sources.end(), random);
    std::filesystem::remove(folder / "joined.h5");
    join(folder / "joined.h5", study, layout, sources);
    ASSERT_EQ(content(folder / "joined.h5"), content(whole));
  }
}

TEST(merge, layouts_that_contradict_each_other_are_refused) {
  const Layout a = small_layout();
  Layout b = a;
  b.families[0].arrays[0].units = "m";
  EXPECT_THROW(static_cast<void>(unite(a, b)), BadInput);
  b = a;
  b.dimensions[0].coordinates[0] = Value(7);
  EXPECT_THROW(static_cast<void>(unite(a, b)), BadInput);
  b = a;
  b.families[1].per_realization = true;
  EXPECT_THROW(static_cast<void>(unite(a, b)), BadInput);
  EXPECT_EQ(unite(a, a).toml(), a.toml());
}

TEST(merge, writing_tidies_up_after_killed_writers) {
  const Folder folder;
  const Study study = small_study();
  const Layout layout = small_layout();
  const std::string shard = write_shard(folder / "a.h5", 0, study, layout, {record_of(study, layout, 0, 0)});
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  // No process has the number 2^22 + 1: it is beyond the kernel's largest.
  const std::string stale = folder / ("a.h5.tmp-" + std::string(host) + "-4194305");
  const std::string alive = folder / ("a.h5.tmp-" + std::string(host) + "-1");
  overwrite(stale, "half");
  overwrite(alive, "half");
  overwrite(shard + ".tmp-elsewhere-77", "half");
  join(folder / "a.h5", study, layout, {shard});
  EXPECT_FALSE(std::filesystem::exists(stale));
  EXPECT_TRUE(std::filesystem::exists(alive));
  EXPECT_FALSE(std::filesystem::exists(shard + ".tmp-elsewhere-77"));
  EXPECT_TRUE(std::filesystem::exists(shard));
}

}  // namespace
}  // namespace meander
