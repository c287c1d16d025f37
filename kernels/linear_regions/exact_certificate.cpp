// The walk in double and the one with more digits, boundary by boundary.
#include "kernels/linear_regions/exact_certificate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace meander {

namespace {

/// Weights times pieces, of about 50 ns each: what a stretch may cost whole, and all of them together.
constexpr double whole_stretch = 2e5;
constexpr double all_stretches = 1e9;

std::size_t places_of(const StretchTally& tally) {
  std::size_t places = 0;
  for (const LayerTally& layer : tally.layers) places = std::max(places, layer.places);
  return places;
}

}  // namespace

template <bool curved>
ExactCertificate<curved>::ExactCertificate(const ExactNetwork::Prepared& network, const FirstLayer& first, bool lengths)
    : first_layer_(network.first_layer), lengths_(lengths), wide_(network, first) {
  for (const auto& layer : network.layers) weights_ += static_cast<double>(layer.inputs) * layer.outputs;
  weights_ += network.readout.inputs;
}

template <bool curved>
double ExactCertificate<curved>::cost(const ExactWalk<curved>& walk) const {
  return weights_ * static_cast<double>(places_of(walk.tally()) + 1);
}

template <bool curved>
bool ExactCertificate<curved>::wants_shorter(const ExactWalk<curved>& walk) const {
  return places_of(walk.tally()) > 8 && cost(walk) > whole_stretch;
}

template <bool curved>
void ExactCertificate<curved>::settle(ExactWalk<curved>& walk, double t, double next, bool closes) {
  if (spent_ + cost(walk) > all_stretches) return;
  spent_ += cost(walk);
  WideRequest request;
  request.t = t;
  request.next = next;
  request.closes = closes;
  request.lengths = lengths_;
  request.finite_layers = walk.tally().finite_layers;
  if (walk.has_begun()) request.entry = &walk.entry_states();
  request.initial = &walk.initial_states();
  WideStretch wide = wide_.walk(request);
  // Of places on different stretches.
  for (Boundary& boundary : wide.boundaries)
    boundary.blur = 4.0 * std::numeric_limits<double>::epsilon() * (1.0 + std::abs(t));
  if (!agree(walk, wide)) {
    for (std::size_t pass = 0; pass < wide.tally.layers.size(); ++pass)
      wide.tally.layers[pass].finite = walk.tally().layers[pass].finite;
    walk.replace(std::move(wide.tally), std::move(wide.boundaries), std::move(wide.entry), std::move(wide.exit));
    return;
  }
  auto known = wide.boundaries.begin();
  for (Boundary& boundary : walk.boundaries()) {
    if (boundary.layer < first_layer_) continue;
    boundary.fine = (known++)->fine;
  }
  walk.trust();
}

/// Whether the walk in double has found the same, with every place where it is but for less than its distance to
/// others.
template <bool curved>
bool ExactCertificate<curved>::agree(const ExactWalk<curved>& walk, const WideStretch& wide) const {
  if (walk.has_rough_lengths()) return false;
  for (std::size_t pass = 0; pass < wide.tally.layers.size(); ++pass) {
    const LayerTally& a = walk.tally().layers[pass];
    const LayerTally& b = wide.tally.layers[pass];
    if (a.transitions != b.transitions || a.sign_changes != b.sign_changes) return false;
    if (walk.entry_states()[pass] != wide.entry[pass] || walk.exit_states()[pass] != wide.exit[pass]) return false;
  }
  auto known = wide.boundaries.begin();
  const Boundary* before = nullptr;
  for (const Boundary& boundary : walk.boundaries()) {
    if (boundary.layer < first_layer_) continue;
    if (known == wide.boundaries.end()) return false;
    if (boundary.layer != known->layer || boundary.neuron != known->neuron || boundary.before != known->before)
      return false;
    if (std::abs(boundary.place.distance - known->place.distance) > walk.rounding_of_places()) return false;
    if (before != nullptr && known->fine.to_last > 0.0 &&
        boundary.place.distance - before->place.distance <= before->blur + boundary.blur)
      return false;
    if (before != nullptr && known->fine.to_last == 0.0 && boundary.place.distance != before->place.distance)
      return false;
    before = &boundary;
    ++known;
  }
  return known == wide.boundaries.end();
}

template class ExactCertificate<false>;
template class ExactCertificate<true>;

}  // namespace meander
