// Reads [decision_boundary], and finds the points that it asks for.
#include "studies/measures/decision_boundary/boundary_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "kernels/curves/curve.hpp"

namespace meander {
namespace {

/// Paths tried for one point of the boundary, and lines: after those, only such as join inputs on different sides.
constexpr int most_attempts = 4;
constexpr int most_lines = 16;

std::optional<std::string> check_beta_0(const Value& value) {
  if (value.is_number()) return std::nullopt;
  const std::string* text = value.get_if<std::string>();
  if (text != nullptr && *text == "median") return std::nullopt;
  return value.toml() + " is no threshold (it must be a number, or \"median\")";
}

void normalise(std::vector<double>& x) {
  double square = 0.0;
  for (const double component : x) square += component * component;
  for (double& component : x) component /= std::sqrt(square);
}

void check_finite(const NamedArray& array, const std::string& where) {
  if (!std::all_of(array.values.begin(), array.values.end(), [](double x) { return std::isfinite(x); })) {
    throw BadInput(where + " holds a number that is not finite (all must be) repair the file");
  }
}

}  // namespace

void KeyTraits<BoundaryLevel>::complete(Key& key) {
  key.check = check_beta_0;
}

BoundaryLevel KeyTraits<BoundaryLevel>::decode(const Value& value) {
  return {value.is_number() ? std::optional(value.number()) : std::nullopt};
}

BoundaryKeys::BoundaryKeys(Declaration& declare) {
  const std::string section = "decision_boundary";
  declare(points, {.section = section,
                   .name = "points",
                   .units = "points",
                   .description = "points of the boundary, each on a path of its own",
                   .default_value = Value(10),
                   .minimum = 1,
                   .maximum = 1e6});
  declare(curvatures, {.section = section,
                       .name = "curvatures",
                       .description = "principal curvatures kept at either end of the spectrum; where a layer has "
                                      "fewer, the rest is missing",
                       .default_value = Value(4),
                       .minimum = 1,
                       .maximum = 1e6});
  declare(beta_0, {.section = section,
                   .name = "beta_0",
                   .description = "threshold of G = beta . x^D - beta_0, or \"median\": of beta . x^D over the inputs "
                                  "that the paths join (in the ordered phase most networks have no boundary at 0)",
                   .default_value = Value(0.0)});
  declare(path, {.section = section,
                 .name = "path",
                 .description = "where a change of sign is looked for: circle, through two inputs and about the origin "
                                "(the default for random inputs, which it keeps at their length); line, from one input "
                                "to the other (for data)"});
  declare(samples, {.section = section,
                    .name = "samples",
                    .units = "samples",
                    .description = "most samples of a path among which a change of sign is looked for; up to four "
                                   "paths are tried for a point, and lines between inputs on different sides up to the "
                                   "sixteenth",
                    .default_value = Value(512),
                    .minimum = 2,
                    .maximum = 1e7});
  declare(tolerance, {.section = section,
                      .name = "tolerance",
                      .description = "of |G| at a point, relative to sum |beta_i x_i| + |beta_0|; a point that misses "
                                     "it makes the cell not converged",
                      .default_value = Value(1e-12),
                      .minimum = 0,
                      .maximum = 1e-3,
                      .minimum_exclusive = true});
  declare(solver, {.section = section,
                   .name = "solver",
                   .description = "of the curvatures: dense (the Hessian is formed), slepc (exact Hessian-vector "
                                  "products only), or auto, by expected cost",
                   .default_value = Value("auto")});
  declare(classes, {.section = section,
                    .name = "classes",
                    .description = "[i, j]: the boundary between two outputs of a stored network's readout, counted "
                                   "from 0",
                    .minimum = 0,
                    .maximum = 1 << 24});
  declare(file, {.section = section,
                 .name = "file",
                 .description = "HDF5 file (it may be the network's) with /extra/beta (neurons of the last layer), "
                                "/extra/x (inputs) or (points, inputs), near which points are looked for, or both",
                 .hint = "beta and starting points of your own in HDF5; `meander export` writes them as an example"});
}

BoundaryChoice::BoundaryChoice(const Study& study, const BoundaryKeys& keys, const InputKeys& input,
                               const std::shared_ptr<const NetworkSource>& networks, Diagnostics& diagnostics)
    : points_(keys.points), beta_0_(keys.beta_0.number) {
  options_.count = keys.curvatures;
  options_.solver = keys.solver;
  search_.tolerance = keys.tolerance;
  search_.samples = keys.samples;
  const auto stored = networks ? networks->stored() : nullptr;
  if (keys.file != nullptr) read_file(study, *keys.file, stored.get(), diagnostics);
  read_readout(study, keys, stored.get(), diagnostics);
  if (!starts_.empty()) {
    points_ = static_cast<int>(starts_.size());
    check_starts(study, keys, diagnostics);
    return;
  }
  inputs_.emplace(study, input, networks, static_cast<std::size_t>(2 * points_), diagnostics);
  read_path(study, keys, diagnostics);
}

/// What has no meaning beside points of the user's own.
void BoundaryChoice::check_starts(const Study& study, const BoundaryKeys& keys, Diagnostics& diagnostics) const {
  for (const char* path : {"decision_boundary.path", "input.dimension", "input.images", "input.q0"}) {
    if (study.setting(path) == nullptr && study.file(path) == nullptr) continue;
    diagnostics.error(study.place(path), fmt::format("'{}' has no meaning here (/extra/x of [decision_boundary] file "
                                                     "gives the inputs) remove one of them",
                                                     std::string(path).substr(std::string(path).find('.') + 1)));
  }
  if (!keys.beta_0.number) {
    diagnostics.error(study.place("decision_boundary.beta_0"),
                      "'beta_0' is \"median\" (no input is drawn: [decision_boundary] file gives the points) give a "
                      "number");
  }
}

void BoundaryChoice::read_file(const Study& study, const StudyFile& file, const StoredNetwork* stored,
                               Diagnostics& diagnostics) {
  if (file.bytes == nullptr) return;
  const Place place = study.place("decision_boundary.file");
  if (study.file("network.file") == nullptr) {
    diagnostics.error(place,
                      "'file' stands beside random networks (it describes the boundary of one network) give "
                      "[network] file too");
    return;
  }
  if (stored == nullptr) return;  // complained of already
  const StoredNetwork& network = *stored;
  try {
    const NamedArrays arrays = read_arrays(*file.bytes, file.path);
    const NamedArray* beta = arrays.find("/extra/beta");
    const NamedArray* x = arrays.find("/extra/x");
    if (beta == nullptr && x == nullptr)
      throw BadInput(file.path + ": neither /extra/beta nor /extra/x is there (the file is to give at least one)");
    const auto last = static_cast<std::size_t>(network.width(network.depth()));
    const auto inputs = static_cast<std::size_t>(network.input_dimension());
    if (beta != nullptr) {
      check_finite(*beta, file.path + ": /extra/beta");
      if (beta->shape != std::vector<std::size_t>{last} ||
          std::all_of(beta->values.begin(), beta->values.end(), [](double b) { return b == 0.0; })) {
        throw BadInput(
            fmt::format("{}: /extra/beta has shape ({}) or is zero (it must be {} numbers, one for each "
                        "neuron of the last layer)",
                        file.path, fmt::join(beta->shape, ", "), last));
      }
      beta_ = beta->values;
      beta_is_drawn_ = false;
    }
    if (x == nullptr) return;
    check_finite(*x, file.path + ": /extra/x");
    if (x->shape.empty() || x->shape.size() > 2 || x->shape.back() != inputs || x->shape.front() == 0) {
      throw BadInput(fmt::format("{}: /extra/x has shape ({}) (it must be ({}) or (points, {}), the network's inputs)",
                                 file.path, fmt::join(x->shape, ", "), inputs, inputs));
    }
    const auto stride = static_cast<std::ptrdiff_t>(inputs);
    for (auto row = x->values.begin(); row != x->values.end(); row += stride) starts_.emplace_back(row, row + stride);
  } catch (const BadInput& error) {
    diagnostics.error(place, error.what());
  }
}

void BoundaryChoice::read_readout(const Study& study, const BoundaryKeys& keys, const StoredNetwork* network,
                                  Diagnostics& diagnostics) {
  const Place place = study.place("decision_boundary.classes");
  const int outputs = network != nullptr ? network->readout_outputs() : 0;
  if (!beta_is_drawn_ || outputs == 0) {
    if (keys.classes) {
      diagnostics.error(place, fmt::format("'classes' has no meaning here ({}) remove it",
                                           beta_is_drawn_ ? "there is no readout to choose outputs of"
                                                          : "/extra/beta gives the boundary"));
    }
    return;
  }
  const std::vector<std::size_t> pair = keys.classes.value_or(std::vector<std::size_t>{});
  if (keys.classes && (pair.size() != 2 || pair[0] == pair[1] ||
                       std::max(pair[0], pair[1]) >= static_cast<std::size_t>(outputs) || outputs == 1)) {
    diagnostics.error(place,
                      fmt::format("'classes' is [{}] (the readout has outputs 0 to {}, and a boundary lies between "
                                  "two of them) write classes = [i, j]",
                                  fmt::join(pair, ", "), outputs - 1));
    return;
  }
  if (!keys.classes && outputs > 1) {
    diagnostics.error(study.place("decision_boundary"),
                      fmt::format("'classes' is missing (the network's readout has {} outputs, and a boundary lies "
                                  "between two of them) write for instance classes = [0, 1]",
                                  outputs));
    return;
  }
  const auto width = static_cast<std::size_t>(network->width(network->depth()));
  std::vector<double> weight(width * static_cast<std::size_t>(outputs)), bias(static_cast<std::size_t>(outputs));
  network->readout_weight(weight);
  network->readout_bias(bias);
  const std::size_t i = pair.empty() ? 0 : pair[0];
  beta_.assign(weight.begin() + static_cast<std::ptrdiff_t>(i * width),
               weight.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
  readout_bias_ = bias[i];
  if (!pair.empty()) {
    for (std::size_t k = 0; k < width; ++k) beta_[k] -= weight[pair[1] * width + k];
    readout_bias_ -= bias[pair[1]];
  }
  beta_is_drawn_ = false;
}

void BoundaryChoice::read_path(const Study& study, const BoundaryKeys& keys, Diagnostics& diagnostics) {
  line_ = keys.path ? *keys.path == BoundaryPath::line : inputs_->has_data();
  if (!line_ && inputs_->dimension() == 1) {
    diagnostics.error(
        study.place("decision_boundary"),
        "the input has dimension 1 (no circle about the origin lies in it) write path = \"line\", or take "
        "more inputs");
  }
}

void require_smooth(const Study& study, const NetworkSource& networks, Diagnostics& diagnostics) {
  for (const Point& point : activation_points(study, networks)) {
    if (!networks.activation(point).has_kinks()) continue;
    diagnostics.error(
        study.place(networks.random() == nullptr ? "network.file" : "sweep.activation"),
        fmt::format("activation {} has kinks (its boundary is flat but for edges, where curvature is infinite) take "
                    "tanh, erf, gelu or another smooth one",
                    networks.activation(point).label()));
  }
}

std::vector<double> BoundaryChoice::beta(const Network& network, StreamKey key) const {
  if (!beta_is_drawn_) return beta_;
  const auto width = static_cast<std::size_t>(network.width(network.depth()));
  std::vector<float> normals(width);
  RandomStream(key, Purpose::readout, 0).normals(0, 0, normals);
  std::vector<double> drawn(normals.begin(), normals.end());
  normalise(drawn);
  return drawn;
}

BoundaryFunction BoundaryChoice::function(const Network& network, const Point& point, StreamKey key) const {
  const std::vector<double> direction = beta(network, key);
  if (beta_0_) return {network, direction, *beta_0_ - readout_bias_};
  const BoundaryFunction output(network, direction, 0.0);
  std::vector<double> values;
  for (const auto& input : inputs_->draw(point, key, static_cast<std::size_t>(2 * points_)))
    values.push_back(output.value(input));
  std::sort(values.begin(), values.end());  // an even number of them
  const std::size_t half = values.size() / 2;
  return {network, direction, 0.5 * (values[half - 1] + values[half])};
}

std::optional<BoundaryHit> BoundaryChoice::find(const BoundaryFunction& boundary, const Point& point, StreamKey key,
                                                int index) const {
  if (!starts_.empty()) return boundary_near(boundary, starts_[static_cast<std::size_t>(index)], search_);
  int attempts = line_ ? most_lines : most_attempts;
  if (inputs_->has_data()) attempts = std::min(attempts, static_cast<int>(inputs_->data_count()) / (2 * points_));
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto pair = static_cast<std::size_t>(index + attempt * points_);
    auto inputs = inputs_->draw(point, key, 2 * pair + 2);
    const std::vector<double>& x0 = inputs[2 * pair];
    std::vector<double>& x1 = inputs[2 * pair + 1];
    if (!line_ && !inputs_->has_data()) make_orthonormal(x0, x1);
    if (attempt >= most_attempts && boundary.value(x0) * boundary.value(x1) > 0.0) continue;
    auto hit = boundary_on_curve(boundary, curve_between(line_ ? CurveKind::line : CurveKind::circle, x0, x1), search_);
    if (hit) return hit;
  }
  return std::nullopt;
}

bool BoundaryChoice::overflows(const BoundaryFunction& boundary, const Point& point, StreamKey key, int index) const {
  const auto at = static_cast<std::size_t>(index);
  const auto start = starts_.empty() ? inputs_->draw(point, key, 2 * at + 1)[2 * at] : starts_[at];
  return !std::isfinite(boundary.value(start));
}

std::string BoundaryChoice::no_boundary() const {
  if (!starts_.empty()) return "no boundary near /extra/x (Newton's method leads nowhere), start elsewhere";
  return fmt::format(
      "G has one sign on all {} samples of every path tried (the network's answer hardly depends on its input), "
      "take beta_0 = \"median\", a larger sigma_w or another seed",
      search_.samples);
}

void BoundaryChoice::add_boundary(const Network& network, const Task& task, NamedArrays& arrays) const {
  const StreamKey key = task_stream(task);
  const BoundaryFunction boundary = function(network, task.point, key);
  arrays.arrays["/extra/beta"] = {{boundary.beta().size()}, boundary.beta()};
  NamedArray found{{0, static_cast<std::size_t>(dimension())}, {}};
  for (int p = 0; p < points_; ++p) {
    const auto hit = find(boundary, task.point, key, p);
    if (!hit) continue;
    found.values.insert(found.values.end(), hit->point.x.begin(), hit->point.x.end());
    ++found.shape[0];
  }
  if (found.shape[0] > 0) arrays.arrays["/extra/x"] = std::move(found);
}

}  // namespace meander
