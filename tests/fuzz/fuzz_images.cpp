// A data set of arbitrary bytes, compressed or not: images, labels or BadInput.
#include <cstdint>
#include <span>

#include "pipeline/inputs/images.hpp"
#include "pipeline/values/diagnostics.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meander;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    const Images images = read_images(bytes, "images");
    if (images.count > 0) static_cast<void>(images.point(images.count - 1));
  } catch (const BadInput&) {
  }
  try {
    static_cast<void>(read_labels(bytes, "labels"));
  } catch (const BadInput&) {
  }
  return 0;
}
