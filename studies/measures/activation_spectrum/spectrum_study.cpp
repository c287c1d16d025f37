// Keys and checks of activation spectra, and the code that turns a point of the sweep into an activation.
#include "studies/measures/activation_spectrum/spectrum_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <utility>

#include "studies/declare/sweep.hpp"
#include "studies/inputs/input_scale.hpp"

namespace meander {
namespace {

std::optional<std::string> check_variance(const Value& value) {
  if (value.is_number() && value.number() > 0) return std::nullopt;
  if (value == Value("fixed_point")) return std::nullopt;
  return value.toml() + " is no variance (it must be a number greater than 0, or \"fixed_point\")";
}

void require(const Study& study, std::string_view name, std::string_view why, std::string_view example,
             Diagnostics& diagnostics) {
  if (is_swept(study, name)) return;
  diagnostics.error(study.place("sweep"),
                    fmt::format("'{}' is missing ({}) write for instance {} in [sweep]", name, why, example));
}

void check_random(const Study& study, bool designed, Diagnostics& diagnostics) {
  require(study, "sigma_w", "the length map needs it", "sigma_w = [1.0, 2.0]", diagnostics);
  if (designed && is_mentioned(study, "activation")) {
    diagnostics.error(study.place("sweep.activation"),
                      "'activation' stands beside 'design_chi_1' (which makes the activation) remove one of them");
  }
  if (!designed)
    require(study, "activation", "its spectrum is taken", "activation = [\"tanh\", \"relu\"]", diagnostics);
  if (is_mentioned(study, "widths")) {
    for (const char* other : {"width", "depth"}) {
      if (!is_mentioned(study, other)) continue;
      diagnostics.error(study.place(fmt::format("sweep.{}", other)),
                        fmt::format("'{}' stands beside 'widths' (widths already says how wide and how deep) remove "
                                    "one of them",
                                    other));
    }
  } else if (is_mentioned(study, "width")) {
    require(study, "depth", "networks are measured layer by layer", "depth = 30", diagnostics);
  }
}

/// Settings that stand for themselves.
void check_settings(const Study& study, const ActivationSpectrumKeys& keys, Diagnostics& diagnostics) {
  const auto as_written = [&](const char* path) { return study.setting(path)->toml(); };
  if (keys.decay_range.size() != 2 || !(keys.decay_range[0] < keys.decay_range[1])) {
    diagnostics.error(study.place("activation_spectrum.decay_range"),
                      fmt::format("'decay_range' is {} (it must be [a, b] with 0 < a < b)",
                                  as_written("activation_spectrum.decay_range")));
  }
  if (keys.fit_from > keys.orders) {
    diagnostics.error(study.place("activation_spectrum.fit_from"),
                      fmt::format("'fit_from' is {} ('orders' ends at {}, so that nothing is left to fit) take a "
                                  "smaller one",
                                  keys.fit_from, keys.orders));
  }
  const auto& orders = keys.design_orders;
  const bool ascending = std::adjacent_find(orders.begin(), orders.end(), std::greater_equal<>()) == orders.end();
  if (orders.empty() || !ascending) {
    diagnostics.error(study.place("activation_spectrum.design_orders"),
                      fmt::format("'design_orders' is {} (orders ascend, each once) write for instance [0, 1, 3]",
                                  as_written("activation_spectrum.design_orders")));
  }
}

/// What design_hermite found, in words; empty where it found coefficients.
std::string design_refusal(const HermiteTarget& target, const HermiteDesign& design) {
  const std::string orders = fmt::format("{}", fmt::join(target.orders, ", "));
  switch (design.outcome) {
    case HermiteDesign::Outcome::found:
      return {};
    case HermiteDesign::Outcome::no_room:
      return fmt::format(
          "no activation has q* = 1 at sigma_w = {}, sigma_b = {} (sigma_w^2 sum c_n^2 = 1 - sigma_b^2 "
          "must be positive) take a smaller sigma_b",
          target.sigma_w, target.sigma_b);
    case HermiteDesign::Outcome::out_of_reach:
      return fmt::format(
          "chi_1 = {} is out of reach of the orders {} (at q* = 1 and sigma_b = {} it lies between {} "
          "and {}, 1 - sigma_b^2 times the smallest and the largest order) change design_orders",
          target.chi_1, orders, target.sigma_b, design.lowest_chi_1, design.highest_chi_1);
    case HermiteDesign::Outcome::unstable:
      break;
  }
  return fmt::format(
      "no coefficients of the orders {} have chi_1 = {} and a stable q* = 1 at sigma_b = {} (the "
      "smallest slope of the length map is {:.6g}, and stability needs less than 1) change "
      "design_orders or sigma_b",
      orders, target.chi_1, target.sigma_b, design.length_slope);
}

}  // namespace

void KeyTraits<SpectrumVariance>::complete(Key& key) {
  key.check = check_variance;
}

SpectrumVariance KeyTraits<SpectrumVariance>::decode(const Value& value) {
  return {value.is_number() ? std::optional(value.number()) : std::nullopt};
}

ActivationSpectrumKeys::ActivationSpectrumKeys(Declaration& declare)
    : networks(declare, {.readout = false}),
      input(declare,
            {.images = false,
             .labels = false,
             .q0_description = "mean square of an input's components, met exactly: a number (1 if left out) or "
                               "\"fixed_point\", which starts layer 1 at q*"}) {
  const std::string section = "activation_spectrum";
  declare(c0, {.section = "input",
               .name = "c0",
               .description = "overlap x0.x1 / (|x0| |x1|) of the two inputs of a pair, met exactly",
               .default_value = Value(0.0),
               .minimum = -1,
               .maximum = 1});
  declare(orders, {.section = section,
                   .name = "orders",
                   .description = "largest order n of the coefficients",
                   .default_value = Value(40),
                   .minimum = 1,
                   .maximum = 2000});
  declare(variance, {.section = section,
                     .name = "variance",
                     .description = "variance q of the pre-activations at which the spectrum is taken: a number, or "
                                    "\"fixed_point\", the length map's q_star",
                     .default_value = Value("fixed_point")});
  declare(fit_from, {.section = section,
                     .name = "fit_from",
                     .description = "smallest order that decays are fitted to",
                     .default_value = Value(4),
                     .minimum = 1,
                     .maximum = 2000});
  declare(pairs, {.section = section,
                  .name = "pairs",
                  .description = "pairs of inputs, and perturbations of their first, that are averaged over in each "
                                 "network",
                  .default_value = Value(16),
                  .minimum = 1,
                  .maximum = 65536});
  declare(decay_range, {.section = section,
                        .name = "decay_range",
                        .description = "[a, b]: the decay length is fitted to the layers where theory has a <= |c - "
                                       "c_star| <= b",
                        .default_value = Value(List{Value(0.02), Value(0.2)}),
                        .minimum = 0,
                        .minimum_exclusive = true});
  declare(design_chi_1, {.section = section,
                         .name = "design_chi_1",
                         .description = "instead of sweep.activation: the least curved Hermite polynomial with this "
                                        "chi_1 and a stable fixed point q* = 1; 1 is the edge of chaos",
                         .minimum = 0,
                         .minimum_exclusive = true});
  declare(design_slope, {.section = section,
                         .name = "design_slope",
                         .description = "largest slope of the length map at a designed activation's q* = 1; where none "
                                        "is that small, the smallest is taken, if it is below 1",
                         .default_value = Value(0.5),
                         .minimum = -1,
                         .maximum = 0.99});
  declare(design_orders, {.section = section,
                          .name = "design_orders",
                          .description = "orders that a designed activation may use, ascending",
                          .default_value = Value(List{Value(0), Value(1), Value(2), Value(3)}),
                          .minimum = 0,
                          .maximum = 64});
}

SpectrumStudy::SpectrumStudy(const Study& study, const ActivationSpectrumKeys& keys, Diagnostics& diagnostics)
    : keys_(keys) {
  if (keys.networks.file != nullptr) {
    networks_ = network_source(study, keys.networks, diagnostics);
    if (is_designed()) {
      diagnostics.error(study.place("activation_spectrum.design_chi_1"),
                        "'design_chi_1' stands beside [network] file (the file fixes the activation) remove one of "
                        "them");
    }
  } else {
    check_random(study, is_designed(), diagnostics);
    networks_ = std::make_shared<RandomNetworks>(keys.networks);
  }
  check_settings(study, keys, diagnostics);
  if (diagnostics.failed()) return;
  read_networks(study, diagnostics);
  if (is_designed()) check_designs(study, diagnostics);
  if (!diagnostics.failed()) check_q0(study, diagnostics);
}

void SpectrumStudy::read_networks(const Study& study, Diagnostics& diagnostics) {
  has_networks_ = is_stored() || is_swept(study, "width") || is_swept(study, "widths");
  depth_ = networks_->depth();
  input_dimension_ = networks_->input_dimension();
  const std::optional<int>& dimension = keys_.input.dimension;
  if (!dimension && has_networks_ && !is_stored()) {
    diagnostics.error(study.place("input"),
                      "'dimension' is missing (random inputs need it) write dimension = 784 in [input]");
  }
  if (dimension) {
    if (input_dimension_ != 0 && input_dimension_ != *dimension) {
      diagnostics.error(study.place("input.dimension"),
                        fmt::format("the input has dimension {} ({} is expected) the dimensions of network and input "
                                    "must agree",
                                    *dimension, input_dimension_));
    }
    input_dimension_ = *dimension;
  }
  if (input_dimension_ == 1) {
    diagnostics.error(study.place(dimension ? "input.dimension" : "network.file"),
                      "the input has dimension 1 (two inputs with an overlap of their own need a plane) take at least "
                      "2");
  }
}

void SpectrumStudy::check_designs(const Study& study, Diagnostics& diagnostics) const {
  std::string first;
  for (const Point& point : distinct_points(study, {"design_chi_1", "sigma_w", "sigma_b"})) {
    Subject found = subject(point);
    if (found.activation) return;  // elsewhere the cells say why
    if (first.empty()) first = std::move(found.refusal);
  }
  const bool swept = is_swept(study, "design_chi_1");
  diagnostics.error(study.place(swept ? "sweep.design_chi_1" : "activation_spectrum.design_chi_1"), first);
}

void SpectrumStudy::check_q0(const Study& study, Diagnostics& diagnostics) const {
  for (const Point& point : distinct_points(study, {"q0", "design_chi_1", "sigma_w", "sigma_b", "activation"})) {
    const MeanSquare* q0 = keys_.input.q0.find(point);
    if (q0 == nullptr || !q0->fixed_point) continue;
    const auto place = study.place(is_swept(study, "q0") ? "sweep.q0" : "input.q0");
    if (is_stored()) {
      diagnostics.error(place,
                        "'q0' is \"fixed_point\" (a stored network has no sigma_w to find it with) give a number");
      return;
    }
    const Subject found = subject(point);
    if (!found.activation) continue;
    const double value = this->q0(point, *found.activation);
    if (std::isfinite(value) && value > 0.0) continue;
    diagnostics.error(place, fmt::format("'q0' is \"fixed_point\" at sigma_w = {}, sigma_b = {}, activation = {} (no "
                                         "input's scale starts layer 1 at a fixed point there) give q0 as a number or "
                                         "leave these points out",
                                         sigma_w(point), sigma_b(point), found.text));
    return;  // one example is enough
  }
}

HermiteTarget SpectrumStudy::target(const Point& point) const {
  HermiteTarget target;
  target.chi_1 = keys_.design_chi_1(point);
  target.length_slope = keys_.design_slope;
  target.sigma_w = sigma_w(point);
  target.sigma_b = sigma_b(point);
  target.orders = keys_.design_orders;
  return target;
}

SpectrumStudy::Subject SpectrumStudy::subject(const Point& point) const {
  if (!is_designed()) return {networks_->activation(point), networks_->activation_text(point), {}};
  const HermiteTarget wanted = target(point);
  const HermiteDesign design = design_hermite(wanted);
  if (design.outcome != HermiteDesign::Outcome::found) return {std::nullopt, {}, design_refusal(wanted, design)};
  List coefficients;
  for (const double c : design.coefficients) coefficients.emplace_back(c);
  Table table;
  table.set("hermite", Value(std::move(coefficients)));
  return {Activation::hermite(design.coefficients), Value(std::move(table)).text(), {}};
}

double SpectrumStudy::q0(const Point& point, const Activation& activation) const {
  const MeanSquare* q0 = keys_.input.q0.find(point);
  if (q0 == nullptr) return 1.0;
  return q0->fixed_point ? fixed_point_scale(activation, sigma_w(point), sigma_b(point)) : q0->number;
}

}  // namespace meander
