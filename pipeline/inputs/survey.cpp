#include "pipeline/inputs/survey.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "pipeline/inputs/dataset_check.hpp"
#include "pipeline/machine/memory.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

/// What nobody writes by hand or by program, and a damaged file claims.
constexpr std::size_t deepest = 64;
constexpr std::size_t most_names = 1 << 18;
constexpr std::size_t most_attribute_numbers = 1 << 16;
constexpr std::size_t longest_text = 1 << 20;
/// Numbers, as doubles, that may be declared and never written: they are read as zeros.
constexpr double most_unstored = 64.0 * (1 << 20);

herr_t follow_no_file(const char*, const char*, const char*, const char*, unsigned*, hid_t, void*) {
  return -1;
}

herr_t collect_link(hid_t, const char* name, const H5L_info_t*, void* out) {
  static_cast<std::vector<std::string>*>(out)->emplace_back(name);
  return 0;
}

herr_t collect_attribute(hid_t, const char* name, const H5A_info_t*, void* out) {
  static_cast<std::vector<std::string>*>(out)->emplace_back(name);
  return 0;
}

haddr_t address_of(hid_t object) {
#if H5_VERSION_GE(1, 12, 0)
  H5O_info1_t info;
#else
  H5O_info_t info;
#endif
  hdf5::check(H5Oget_info2(object, &info, H5O_INFO_BASIC), "object");
  return info.addr;
}

bool is_numeric(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  return kind == H5T_INTEGER || kind == H5T_FLOAT;
}

/// A string attribute of fixed or variable length.
std::string read_text(hid_t attribute, hid_t type) {
  if (H5Tis_variable_str(type) > 0) {
    const hdf5::Handle memory(H5Tcopy(H5T_C_S1), H5Tclose, "text");
    H5Tset_size(memory.id(), H5T_VARIABLE);
    H5Tset_cset(memory.id(), H5Tget_cset(type));
    char* text = nullptr;
    hdf5::check(H5Aread(attribute, memory.id(), &text), "text");
    std::string out = text == nullptr ? "" : text;
    H5free_memory(text);
    return out;
  }
  const std::size_t size = H5Tget_size(type);
  if (size > longest_text) throw hdf5::Error("text too long");
  std::string fixed(size, '\0');
  hdf5::check(H5Aread(attribute, type, fixed.data()), "text");
  fixed.resize(std::min(fixed.find('\0'), fixed.size()));
  if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) fixed.erase(fixed.find_last_not_of(' ') + 1);
  return fixed;
}

/// The numbers of an attribute where all are whole: MATLAB and R write whole numbers as doubles.
std::optional<std::vector<std::int64_t>> read_whole(hid_t attribute, std::size_t count) {
  std::vector<double> numbers(count);
  if (count > 0) hdf5::check(H5Aread(attribute, H5T_NATIVE_DOUBLE, numbers.data()), "numbers");
  std::vector<std::int64_t> whole;
  for (const double number : numbers) {
    if (number != std::nearbyint(number) || std::abs(number) >= 0x1p53) return std::nullopt;
    whole.push_back(static_cast<std::int64_t>(number));
  }
  return whole;
}

/// Walks a file name by name: what has two names is there twice, as its writer meant it.
class Walk {
 public:
  Walk(std::size_t file_bytes, const std::string& name, Survey& out)
      : file_bytes_(static_cast<double>(file_bytes)),
        name_(name),
        out_(out),
        links_(H5Pcreate(H5P_LINK_ACCESS), H5Pclose, "link properties") {
    hdf5::check(H5Pset_elink_cb(links_.id(), follow_no_file, nullptr), "link properties");
  }

  /// The group at `path` (empty: the root) and what lies in it.
  void group(hid_t group, const std::string& path) {
    std::vector<std::string> names;
    try {
      const haddr_t address = address_of(group);
      if (std::find(above_.begin(), above_.end(), address) != above_.end()) {
        refuse(path,
               "is a link that leads back to where it comes from (groups would be in groups without end) remove it");
      }
      if (above_.size() == deepest)
        refuse_part(name_, shown(path), fmt::format("more than {} groups in each other", deepest));
      above_.push_back(address);
      attributes(group, path);
      hdf5::check(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_link, &names), "members");
    } catch (const hdf5::Error&) {
      refuse_part(name_, shown(path), "the group is damaged");
    }
    for (const std::string& bare : names) {
      if (++seen_ > most_names)
        refuse_part(name_, shown(path), fmt::format("more than {} names in the file", most_names));
      link(group, bare, path + "/" + bare);
    }
    above_.pop_back();
  }

 private:
  /// Groups in groups make paths that fill a screen.
  static std::string shown(const std::string& path) {
    if (path.empty()) return "/";
    return path.size() <= 200 ? path : path.substr(0, 100) + " ... " + path.substr(path.size() - 80);
  }

  /// `what` is the reason with what to do, to stand behind the path.
  [[noreturn]] void refuse(const std::string& path, const std::string& what) const {
    throw BadInput(fmt::format("{}: {} {}", name_, shown(path), what));
  }

  void attributes(hid_t group, const std::string& path) {
    std::vector<std::string> names;
    hdf5::check(H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_attribute, &names), "attributes");
    for (const std::string& bare : names) {
      if (++seen_ > most_names)
        refuse_part(name_, shown(path), fmt::format("more than {} names in the file", most_names));
      attribute(group, bare, path.empty() ? bare : path + "/" + bare);
    }
  }

  void attribute(hid_t group, const std::string& bare, const std::string& path) {
    try {
      const hdf5::Handle attribute(H5Aopen(group, bare.c_str(), H5P_DEFAULT), H5Aclose, "attribute");
      const hdf5::Handle type(H5Aget_type(attribute.id()), H5Tclose, "attribute");
      const hdf5::Handle space(H5Aget_space(attribute.id()), H5Sclose, "attribute");
      const auto count = H5Sget_simple_extent_npoints(space.id());
      const bool is_small = count >= 0 && static_cast<std::size_t>(count) <= most_attribute_numbers;
      if (H5Tget_class(type.id()) == H5T_STRING && count == 1) {
        out_.named.texts[path] = read_text(attribute.id(), type.id());
        return;
      }
      if (is_numeric(type.id()) && is_small) {
        if (auto whole = read_whole(attribute.id(), static_cast<std::size_t>(count))) {
          out_.named.integers.emplace(path, std::move(*whole));
          return;
        }
      }
      out_.named.other_attributes.insert(path);
    } catch (const hdf5::Error&) {
      refuse_part(name_, "attribute " + path, "its description or its data are damaged");
    }
  }

  void link(hid_t parent, const std::string& bare, const std::string& path) {
    H5L_info_t info;
    if (H5Lget_info(parent, bare.c_str(), &info, H5P_DEFAULT) < 0)
      refuse_part(name_, path, "its description is damaged");
    if (info.type != H5L_TYPE_HARD && info.type != H5L_TYPE_SOFT && info.type != H5L_TYPE_EXTERNAL) {
      refuse(path, "is a link of a program's own kind (it may lead anywhere) put what it leads to into this file");
    }
    if (info.type == H5L_TYPE_EXTERNAL) {
      refuse(path, "is a link into another file (which no digest covers) copy what it leads to into this file");
    }
    const hid_t opened = H5Oopen(parent, bare.c_str(), links_.id());
    if (opened < 0 && info.type == H5L_TYPE_HARD) refuse_part(name_, path, "its description is damaged");
    if (opened < 0) {
      other(path, "it is a link to nothing in this file");
      return;
    }
    try {
      const hdf5::Handle object(opened, H5Oclose, "object");
      switch (H5Iget_type(object.id())) {
        case H5I_DATASET:
          return dataset(object.id(), path);
        case H5I_GROUP:
          out_.named.groups.insert(path);
          return group(object.id(), path);
        default:
          other(path, "it is a named type");
      }
    } catch (const hdf5::Error&) {
      refuse_part(name_, path, "its description is damaged");
    }
  }

  void other(const std::string& path, const std::string& why) {
    out_.named.others.emplace(
        path, fmt::format("{}: {} holds no numbers ({}) write the numbers themselves there", name_, path, why));
  }

  void dataset(hid_t dataset, const std::string& path) {
    const haddr_t address = address_of(dataset);
    auto known = known_.find(address);
    if (known == known_.end()) {
      try {
        known = known_.emplace(address, check_dataset(dataset, file_bytes_)).first;
      } catch (const RefusedDataset& refused) {
        refuse(path, refused.what);
      }
      add_up(known->second, path);
    }
    const DatasetFacts& facts = known->second;
    if (facts.no_numbers) return other(path, *facts.no_numbers);
    out_.bytes += static_cast<double>(facts.count) * sizeof(double);
    if (out_.bytes > memory_ / 2) {
      refuse(path,
             fmt::format("and the arrays before it take {:.3g} GB as doubles (more than half of the memory, {:.3g} GB) "
                         "take a larger machine, or a smaller network",
                         out_.bytes / 1e9, memory_ / 1e9));
    }
    out_.arrays.push_back({path, facts.shape, facts.count, address});
  }

  /// Once for each dataset, whatever the number of its names.
  void add_up(const DatasetFacts& facts, const std::string& path) {
    stored_ += facts.stored;
    unstored_ += facts.unstored;
    out_.largest_chunk = std::max(out_.largest_chunk, facts.chunk_bytes);
    if (stored_ > file_bytes_)
      refuse_part(name_, path, "it and the arrays before it take more bytes than the file has");
    if (unstored_ > most_unstored) {
      refuse(path,
             fmt::format("has {} numbers (of which {:.0f} bytes are stored; the rest was never written) write all of "
                         "them",
                         facts.count, facts.stored));
    }
  }

  double file_bytes_;
  double memory_ = machine_memory();
  const std::string& name_;
  Survey& out_;
  hdf5::Handle links_;
  std::vector<haddr_t> above_;             // the groups that this one lies in
  std::map<haddr_t, DatasetFacts> known_;  // by the object's place in the file
  std::size_t seen_ = 0;
  double stored_ = 0.0;
  double unstored_ = 0.0;
};

}  // namespace

void refuse_part(const std::string& name, const std::string& what, const std::string& why) {
  throw BadInput(fmt::format("{}: {} cannot be read ({}); write the file again", name, what, why));
}

Survey survey_of(hid_t file, std::size_t file_bytes, const std::string& name) {
  Survey survey;
  try {
    const hdf5::Handle root = hdf5::open_group(file, "/");
    Walk(file_bytes, name, survey).group(root.id(), "");
  } catch (const hdf5::Error&) {
    refuse_part(name, "/", "the file is damaged");
  }
  return survey;
}

}  // namespace meander
