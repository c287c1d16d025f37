// A network or curve file of arbitrary bytes: what the child refuses is refused, and what it lets pass is read here and
// is a network, a curve or BadInput. HDF5 meets the bytes in a child first and may crash there, and only there.
#include <cstdint>
#include <span>
#include <string>

#include "pipeline/inputs/arrays.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "studies/networks/stored_networks.hpp"

namespace {

template <class Read>
void let_refuse(const Read& read) {
  try {
    read();
  } catch (const meander::BadInput&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meander;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const std::string name = "net.h5";
  if (try_arrays(bytes, name, 0)) return 0;  // a second at most: much of what is damaged hangs
  let_refuse([&] {
    const NamedArrays arrays = read_arrays(bytes, name);
    let_refuse([&] { static_cast<void>(network_from(arrays, name)); });
    let_refuse([&] { static_cast<void>(curve_from(arrays, name, {})); });
  });
  return 0;
}
