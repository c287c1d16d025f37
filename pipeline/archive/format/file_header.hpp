// The root attributes that shards and archives share: what the file is, which study it holds.
#pragma once

#include <string>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/storage/hdf5.hpp"

namespace meander {

inline constexpr const char* archive_filetype = "meander_study";
inline constexpr const char* shard_filetype = "meander_shard";
/// Raised in its first number where older programs could no longer read the file, in its second
/// where they can.
inline constexpr std::int64_t format_version[] = {1, 0};

/// Writes filetype, version, title, measure, study, identity, layout and input_files, then
/// `attributes` save those that the file's own replace.
void write_file_header(hid_t file, const char* filetype, const Study& study, const Layout& layout,
                       const Attributes& attributes);

/// Reads them back. Throws BadInput, `path` in the message, where they are not those of a file that
/// this program understands.
Header read_file_header(hid_t file, const std::string& path);

/// An attribute's text, or empty.
std::string text_attribute(const Attributes& attributes, const std::string& name);

/// The identity that the file carries. Throws BadInput where it is not that of `study`.
void require_identity(const Header& header, const Study& study, const std::string& path);

/// The core that OpenBLAS chose on this machine: floats are compared exactly within one core.
std::string blas_core();

}  // namespace meander
