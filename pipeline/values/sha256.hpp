// SHA-256: the identity of files, studies and tasks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace meander {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::span<const std::byte> bytes);
Digest sha256(std::string_view text);

/// Lower-case hexadecimal.
std::string hexadecimal(std::span<const std::uint8_t> bytes);

}  // namespace meander
