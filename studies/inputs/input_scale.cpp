#include "studies/inputs/input_scale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/mean_field/length_map.hpp"
#include "studies/declare/sweep.hpp"

namespace meander {

double fixed_point_scale(const Activation& activation, double sigma_w, double sigma_b, double keep) {
  const double gain = keep == 1.0 ? sigma_w : sigma_w / std::sqrt(keep);
  const double q_star = attractor(activation, gain, sigma_b);
  return (q_star - sigma_b * sigma_b) / (sigma_w * sigma_w);
}

InputScale::InputScale(const Study& study, Parameter<MeanSquare> q0, std::shared_ptr<const NetworkSource> networks,
                       Diagnostics& diagnostics)
    : q0_(std::move(q0)), networks_(std::move(networks)) {
  const auto& given = q0_.values();
  const bool asked = std::any_of(given.begin(), given.end(), [](const MeanSquare& q) { return q.fixed_point; });
  if (asked && networks_ != nullptr) check(study, diagnostics);
}

std::optional<double> InputScale::operator()(const Point& point) const {
  const MeanSquare* q0 = q0_.find(point);
  if (q0 == nullptr) return std::nullopt;
  if (!q0->fixed_point) return q0->number;
  const RandomNetworks& networks = *networks_->random();
  return fixed_point_scale(networks.activation(point), networks.sigma_w(point), networks.sigma_b(point));
}

void InputScale::check(const Study& study, Diagnostics& diagnostics) const {
  const Place place = study.place(is_swept(study, "q0") ? "sweep.q0" : "input.q0");
  if (networks_->random() == nullptr) {
    diagnostics.error(place, "'q0' is \"fixed_point\" (a stored network has no sigma_w to find it with) give a number");
    return;
  }
  if (diagnostics.failed()) return;
  const RandomNetworks& networks = *networks_->random();
  for (const Point& point : distinct_points(study, {"q0", "sigma_w", "sigma_b", "activation"})) {
    const MeanSquare* q0 = q0_.find(point);
    if (q0 == nullptr || !q0->fixed_point) continue;
    const double found = (*this)(point).value_or(0.0);
    if (std::isfinite(found) && found > 0.0) continue;
    const double sigma_w = networks.sigma_w(point);
    const double sigma_b = networks.sigma_b(point);
    diagnostics.error(
        place,
        fmt::format("'q0' is \"fixed_point\" at sigma_w = {}, sigma_b = {}, activation = {} (there q* = {}, which "
                    "no input's scale gives) give q0 as a number or leave these points out",
                    sigma_w, sigma_b, point.at("activation").toml(),
                    attractor(networks.activation(point), sigma_w, sigma_b)));
    return;  // one example is enough
  }
}

}  // namespace meander
