// Random or stored networks, with the checks that every measure of them needs.
#include "studies/networks/network_choice.hpp"

#include <fmt/format.h>

#include "pipeline/inputs/arrays.hpp"
#include "studies/networks/activation_value.hpp"
#include "studies/networks/random_networks.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {

NetworkChoice::NetworkChoice(const Study& study, Diagnostics& diagnostics) {
  const StudyFile* file = study.file("network.file");
  if (file == nullptr) {
    if (!diagnostics.failed()) depth_ = max_depth(study);
    return;
  }
  if (file->bytes == nullptr) return;
  try {
    const NamedArrays arrays = read_arrays(*file->bytes, file->path);
    stored_ = std::make_shared<StoredNetwork>(network_from(arrays, file->path));
    stored_activation_ = arrays.texts.at("activation");
    depth_ = stored_->depth();
  } catch (const BadInput& error) {
    diagnostics.error(study.place("network.file"), error.what());
  }
}

std::vector<Key> NetworkChoice::keys() {
  std::vector<Key> keys = random_network_keys();
  for (Key& key : stored_network_keys()) keys.push_back(std::move(key));
  return keys;
}

std::vector<int> NetworkChoice::widths(const Point& point) const {
  if (!stored_) return widths_of(point);
  std::vector<int> widths;
  for (int layer = 1; layer <= stored_->depth(); ++layer) widths.push_back(stored_->width(layer));
  return widths;
}

Activation NetworkChoice::activation(const Point& point) const {
  return stored_ ? stored_->activation() : activation_from(point.at("activation"));
}

std::string NetworkChoice::activation_text(const Point& point) const {
  return stored_ ? stored_activation_ : point.at("activation").text();
}

void check_networks(const Study& study, Diagnostics& diagnostics) {
  if (study.file("network.file") != nullptr) {
    refuse_random_networks(study, diagnostics);
  } else {
    check_random_networks(study, diagnostics);
  }
  if (study.single_precision) {
    diagnostics.error(
        study.place("precision"),
        fmt::format("'precision' is \"single\" ({} is measured in double only) remove it", study.measure));
  }
}

void require_linear_pieces(const Study& study, const NetworkChoice& networks, const std::string& why,
                           Diagnostics& diagnostics) {
  for (const Point& point : distinct_points(study, {"activation"})) {
    if (networks.activation(point).pieces() != nullptr) continue;
    const char* path = networks.stored() ? "network.file" : "sweep.activation";
    diagnostics.error(study.place(path),
                      fmt::format("activation {} has no linear pieces ({}) take relu, hard_tanh or linear pieces of "
                                  "your own",
                                  networks.activation_text(point), why));
  }
}

void warn_of_repetition(const Study& study, Diagnostics& diagnostics) {
  if (study.realizations == 1) return;
  diagnostics.warning(study.place("realizations"),
                      fmt::format("all {} realizations will be the same (network and points are fixed) one is enough",
                                  study.realizations));
}

}  // namespace meander
