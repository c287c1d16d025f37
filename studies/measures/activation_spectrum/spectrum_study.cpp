// Keys and checks of activation spectra, and the code that turns a point of the sweep into an activation.
#include "studies/measures/activation_spectrum/spectrum_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "kernels/mean_field/length_map.hpp"
#include "studies/inputs/input_curve.hpp"
#include "studies/networks/activation_value.hpp"
#include "studies/networks/random_networks.hpp"

namespace meander {
namespace {

constexpr const char* section = "activation_spectrum";

Key own_key(std::string home, std::string name, KeyType type, std::optional<Value> default_value,
            std::string description) {
  Key key;
  key.section = std::move(home);
  key.name = std::move(name);
  key.type = type;
  key.description = std::move(description);
  key.optional = !default_value.has_value();
  key.default_value = std::move(default_value);
  return key;
}

std::optional<std::string> check_variance(const Value& value) {
  if (value.is_number() && value.number() > 0) return std::nullopt;
  if (value == Value("fixed_point")) return std::nullopt;
  return value.toml() + " is no variance (it must be a number greater than 0, or \"fixed_point\")";
}

std::vector<Key> spectrum_keys() {
  Key orders = own_key(section, "orders", KeyType::integer, Value(40), "largest order n of the coefficients");
  orders.minimum = 1;
  orders.maximum = 2000;
  Key variance = own_key(section, "variance", KeyType::any, Value("fixed_point"),
                         "variance q of the pre-activations at which the spectrum is taken: a number, or "
                         "\"fixed_point\", the length map's q_star");
  variance.sweepable = true;
  variance.check = check_variance;
  Key fit_from = own_key(section, "fit_from", KeyType::integer, Value(4), "smallest order that decays are fitted to");
  fit_from.minimum = 1;
  fit_from.maximum = 2000;
  Key pairs = own_key(section, "pairs", KeyType::integer, Value(16),
                      "pairs of inputs, and perturbations of their first, that are averaged over in each network");
  pairs.minimum = 1;
  pairs.maximum = 65536;
  Key range = own_key(section, "decay_range", KeyType::numbers, Value(List{Value(0.02), Value(0.2)}),
                      "[a, b]: the decay length is fitted to the layers where theory has a <= |c - c_star| <= b");
  range.minimum = 0;
  range.minimum_exclusive = true;
  Key chi_1 = own_key(section, "design_chi_1", KeyType::number, std::nullopt,
                      "instead of sweep.activation: the least curved Hermite polynomial with this chi_1 and a stable "
                      "fixed point q* = 1; 1 is the edge of chaos");
  chi_1.sweepable = true;
  chi_1.minimum = 0;
  chi_1.minimum_exclusive = true;
  Key slope =
      own_key(section, "design_slope", KeyType::number, Value(0.5),
              "largest slope of the length map at a designed activation's q* = 1; where none is that small, the "
              "smallest is taken, if it is below 1");
  slope.minimum = -1;
  slope.maximum = 0.99;
  Key design_orders =
      own_key(section, "design_orders", KeyType::integers, Value(List{Value(0), Value(1), Value(2), Value(3)}),
              "orders that a designed activation may use, ascending");
  design_orders.minimum = 0;
  design_orders.maximum = 64;
  return {orders, variance, fit_from, pairs, range, chi_1, slope, design_orders};
}

bool is_mentioned(const Study& study, std::string_view name) {
  const Value* setting = study.setting("sweep." + std::string(name));
  if (setting != nullptr || study.dimension(name) != nullptr) return true;
  const SweepDimension* points = study.dimension("point");
  return points != nullptr && std::any_of(points->values.begin(), points->values.end(), [&](const Value& value) {
           const Table* table = value.get_if<Table>();
           return table != nullptr && table->find(name) != nullptr;
         });
}

bool is_given(const Study& study, std::string_view name) {
  return is_swept(study, name) || study.setting(fmt::format("{}.{}", section, name)) != nullptr;
}

void require(const Study& study, std::string_view name, std::string_view why, std::string_view example,
             Diagnostics& diagnostics) {
  if (is_swept(study, name)) return;
  diagnostics.error(study.place("sweep"),
                    fmt::format("'{}' is missing ({}) write for instance {} in [sweep]", name, why, example));
}

void check_random(const Study& study, Diagnostics& diagnostics) {
  require(study, "sigma_w", "the length map needs it", "sigma_w = [1.0, 2.0]", diagnostics);
  const bool designed = is_given(study, "design_chi_1");
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
void check_settings(const Study& study, Diagnostics& diagnostics) {
  const List& range = *study.setting("activation_spectrum.decay_range")->get_if<List>();
  if (range.size() != 2 || !(range[0].number() < range[1].number())) {
    diagnostics.error(study.place("activation_spectrum.decay_range"),
                      fmt::format("'decay_range' is {} (it must be [a, b] with 0 < a < b)", Value(range).toml()));
  }
  const double fit_from = study.setting("activation_spectrum.fit_from")->number();
  const double largest = study.setting("activation_spectrum.orders")->number();
  if (fit_from > largest) {
    diagnostics.error(study.place("activation_spectrum.fit_from"),
                      fmt::format("'fit_from' is {} ('orders' ends at {}, so that nothing is left to fit) take a "
                                  "smaller one",
                                  fit_from, largest));
  }
  const List& orders = *study.setting("activation_spectrum.design_orders")->get_if<List>();
  const bool ascending = std::adjacent_find(orders.begin(), orders.end(), [](const Value& a, const Value& b) {
                           return !(a.number() < b.number());
                         }) == orders.end();
  if (orders.empty() || !ascending) {
    diagnostics.error(study.place("activation_spectrum.design_orders"),
                      fmt::format("'design_orders' is {} (orders ascend, each once) write for instance [0, 1, 3]",
                                  Value(orders).toml()));
  }
}

HermiteTarget target_of(const Point& point, double sigma_b) {
  HermiteTarget target;
  target.chi_1 = point.number("design_chi_1");
  target.length_slope = point.study().setting("activation_spectrum.design_slope")->number();
  target.sigma_w = point.number("sigma_w");
  target.sigma_b = sigma_b;
  for (const Value& order : *point.study().setting("activation_spectrum.design_orders")->get_if<List>()) {
    target.orders.push_back(static_cast<int>(order.number()));
  }
  return target;
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

std::vector<Key> SpectrumStudy::keys() {
  std::vector<Key> keys = NetworkChoice::keys();
  std::erase_if(keys, [](const Key& key) { return key.section == "readout"; });
  for (Key& key : input_curve_keys()) {
    if (key.section != "input" || (key.name != "dimension" && key.name != "q0")) continue;
    if (key.name == "q0")
      key.description =
          "mean square of an input's components, met exactly: a number (1 if left "
          "out) or \"fixed_point\", which starts layer 1 at q*";
    keys.push_back(std::move(key));
  }
  Key c0 = own_key("input", "c0", KeyType::number, Value(0.0),
                   "overlap x0.x1 / (|x0| |x1|) of the two inputs of a pair, met exactly");
  c0.sweepable = true;
  c0.minimum = -1;
  c0.maximum = 1;
  keys.push_back(std::move(c0));
  for (Key& key : spectrum_keys()) keys.push_back(std::move(key));
  return keys;
}

double sigma_b_of(const Point& point) {
  const Value* sigma_b = point.find("sigma_b");
  return sigma_b == nullptr ? 0.0 : sigma_b->number();
}

SpectrumStudy::SpectrumStudy(const Study& study, Diagnostics& diagnostics)
    : is_designed_(is_given(study, "design_chi_1")),
      orders_(static_cast<int>(study.setting("activation_spectrum.orders")->number())),
      fit_from_(static_cast<int>(study.setting("activation_spectrum.fit_from")->number())),
      pairs_(static_cast<int>(study.setting("activation_spectrum.pairs")->number())) {
  if (study.file("network.file") != nullptr) {
    refuse_random_networks(study, diagnostics);
    if (is_designed_) {
      diagnostics.error(study.place("activation_spectrum.design_chi_1"),
                        "'design_chi_1' stands beside [network] file (the file fixes the activation) remove one of "
                        "them");
    }
  } else {
    check_random(study, diagnostics);
  }
  if (study.single_precision) {
    diagnostics.error(study.place("precision"),
                      "'precision' is \"single\" (activation_spectrum is measured in double only) remove it");
  }
  check_settings(study, diagnostics);
  if (diagnostics.failed()) return;
  const List& range = *study.setting("activation_spectrum.decay_range")->get_if<List>();
  nearest_ = range[0].number();
  farthest_ = range[1].number();
  read_networks(study, diagnostics);
  if (is_designed_) check_designs(study, diagnostics);
  if (!diagnostics.failed()) check_q0(study, diagnostics);
}

void SpectrumStudy::read_networks(const Study& study, Diagnostics& diagnostics) {
  const bool stored = study.file("network.file") != nullptr;
  if (stored || is_swept(study, "width") || is_swept(study, "widths")) {
    networks_.emplace(study, diagnostics);
    depth_ = networks_->depth();
    input_dimension_ = networks_->input_dimension();
  } else if (is_swept(study, "depth")) {
    for (const Point& point : distinct_points(study, {"depth"})) {
      depth_ = std::max(depth_, static_cast<int>(point.integer("depth")));
    }
  }
  const Value* dimension = study.setting("input.dimension");
  if (dimension == nullptr && networks_ && !stored) {
    diagnostics.error(study.place("input"),
                      "'dimension' is missing (random inputs need it) write dimension = 784 in [input]");
  }
  if (dimension != nullptr) {
    const int inputs = static_cast<int>(dimension->number());
    if (input_dimension_ != 0 && input_dimension_ != inputs) {
      diagnostics.error(study.place("input.dimension"),
                        fmt::format("the input has dimension {} ({} is expected) the dimensions of network and input "
                                    "must agree",
                                    inputs, input_dimension_));
    }
    input_dimension_ = inputs;
  }
  if (input_dimension_ == 1) {
    diagnostics.error(study.place(dimension != nullptr ? "input.dimension" : "network.file"),
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
    const Value* q0 = point.find("q0");
    if (q0 == nullptr || q0->is_number()) continue;
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
                                         point.number("sigma_w"), sigma_b_of(point), found.text));
    return;  // one example is enough
  }
}

SpectrumStudy::Subject SpectrumStudy::subject(const Point& point) const {
  if (is_stored()) return {networks_->activation(point), networks_->activation_text(point), {}};
  if (!is_designed_) return {activation_from(point.at("activation")), point.at("activation").text(), {}};
  const HermiteTarget target = target_of(point, sigma_b_of(point));
  const HermiteDesign design = design_hermite(target);
  if (design.outcome != HermiteDesign::Outcome::found) return {std::nullopt, {}, design_refusal(target, design)};
  List coefficients;
  for (const double c : design.coefficients) coefficients.emplace_back(c);
  Table table;
  table.set("hermite", Value(std::move(coefficients)));
  return {Activation::hermite(design.coefficients), Value(std::move(table)).text(), {}};
}

double SpectrumStudy::q0(const Point& point, const Activation& activation) const {
  const Value* q0 = point.find("q0");
  if (q0 == nullptr) return 1.0;
  if (q0->is_number()) return q0->number();
  const double sigma_w = point.number("sigma_w");
  const double sigma_b = sigma_b_of(point);
  return (attractor(activation, sigma_w, sigma_b) - sigma_b * sigma_b) / (sigma_w * sigma_w);
}

std::optional<double> SpectrumStudy::given_variance(const Point& point) const {
  const Value& variance = point.at("variance");
  return variance.is_number() ? std::optional(variance.number()) : std::nullopt;
}

}  // namespace meander
