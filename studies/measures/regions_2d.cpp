// Linear regions of a network in a plane of its input space, layer by layer, against the numbers that
// arrangements of lines allow (Raghu et al. 2017, theorems 1 and 2, and the picture of figure 1).
#include "kernels/linear_regions/regions_2d.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/machine_rates.hpp"
#include "kernels/mean_field/curve_theory.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "studies/curves/sampling_cost.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/networks/network_source.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

std::vector<ArraySpec> measured_arrays(bool edges) {
  std::vector<ArraySpec> arrays{
      array("cells", ArrayType::int64, "linear regions of layers 1 to l in the square", {"layer"}),
      array("cells_bound", ArrayType::float64,
            "most regions of layers 1 to l in a plane: product over layers of what lines in general position allow",
            {"layer"}),
      array("shallow_bound", ArrayType::float64,
            "most regions of one layer with as many neurons as layers 1 to l together", {"layer"}),
      array("area_error", ArrayType::float64, "relative difference between the regions' areas and the square's", {}),
      array("ties", ArrayType::int64, "corners of regions taken to lie on a neuron's line", {}),
      array("closest_corner", ArrayType::float64,
            "smallest distance of any other corner from a line, in units of the square's size", {}),
      array("unresolved", ArrayType::int64,
            "corners and cuts too close for double precision that were not settled with more digits: 0 where cells are "
            "certain",
            {})};
  arrays[5].undefined_where = "no line is anywhere near";
  if (!edges) return arrays;
  for (const char* end : {"s0", "t0", "s1", "t1"}) {
    arrays.push_back(array(
        std::string("edge_") + end, ArrayType::float64,
        std::string("boundary between regions: ") + end[0] + (end[1] == '0' ? " of one" : " of the other") + " end",
        {"edge"}));
  }
  arrays.push_back(array("edge_layer", ArrayType::int64, "layer whose neuron makes the boundary", {"edge"}));
  return arrays;
}

enum class PlaneKind { axes, points };

}  // namespace

template <>
constexpr std::array<std::string_view, 2> choice_names<PlaneKind>{"axes", "points"};

namespace {

struct PlaneKeys {
  explicit PlaneKeys(Declaration& declare);

  std::optional<PlaneKind> plane;
  std::vector<double> range;
  std::optional<std::vector<std::size_t>> triple;
  const StudyFile* file = nullptr;
  bool edges = false;
};

PlaneKeys::PlaneKeys(Declaration& declare) {
  declare(plane, {.section = "regions_2d",
                  .name = "plane",
                  .description = "axes: x = (s, t) itself, for networks of two inputs (their default); points: x0 + s "
                                 "(x1 - x0) + t (x2 - x0) through three points, random or from [input] images"});
  declare(range, {.section = "regions_2d",
                  .name = "range",
                  .description = "[a, b], the range of both s and t",
                  .default_value = Value(List{Value(-1.0), Value(1.0)})});
  declare(triple, {.section = "regions_2d",
                   .name = "triple",
                   .description = "[i, j, k], the images that the plane passes through, counted from 0; drawn for each "
                                  "realization if left out",
                   .minimum = 0,
                   .maximum = 2e9});
  declare(file,
          {.section = "regions_2d",
           .name = "file",
           .description = "HDF5 file with the three points: dataset /points (3, inputs); may be the network's file",
           .hint = "three points of your own in HDF5; `meander export` writes them as an example"});
  declare(edges, {.section = "regions_2d",
                  .name = "edges",
                  .description = "keep the boundaries between regions and the layers that make them",
                  .default_value = Value(false)});
}

using Points = std::vector<std::vector<double>>;

/// The rows of /points of a file. Throws BadInput.
Points points_from(const StudyFile& file) {
  const NamedArrays arrays = read_arrays(*file.bytes, file.path);
  const NamedArray* found = arrays.find("/points");
  if (found == nullptr) throw BadInput(file.path + ": dataset /points is missing (it holds the three points) add it");
  if (found->shape.size() != 2 || found->shape[0] != 3 || found->shape[1] == 0) {
    throw BadInput(fmt::format("{}: /points has shape ({}) (three points are (3, inputs)) write it again", file.path,
                               fmt::join(found->shape, ", ")));
  }
  if (!std::all_of(found->values.begin(), found->values.end(), [](double x) { return std::isfinite(x); })) {
    throw BadInput(file.path + ": /points holds a number that is not finite (points must be finite) repair the file");
  }
  Points points;
  const auto inputs = static_cast<std::ptrdiff_t>(found->shape[1]);
  for (auto row = found->values.begin(); row != found->values.end(); row += inputs)
    points.emplace_back(row, row + inputs);
  return points;
}

/// The plane of a study, decoded.
class PlaneChoice {
 public:
  PlaneChoice(const Study& study, const PlaneKeys& keys, const InputKeys& input,
              std::shared_ptr<const NetworkSource> networks, Diagnostics& diagnostics) {
    if (keys.range.size() == 2) {
      low_ = keys.range[0];
      high_ = keys.range[1];
    }
    if (keys.range.size() != 2 || !(low_ < high_)) {
      diagnostics.error(study.place("regions_2d.range"), fmt::format("'range' is {} (it must be [a, b] with a < b)",
                                                                     study.setting("regions_2d.range")->toml()));
    }
    if (keys.file != nullptr) {
      read_file(study, *keys.file, networks ? networks->input_dimension() : 0, diagnostics);
    } else {
      inputs_.emplace(study, input, std::move(networks), 3, diagnostics);
      read_input(study, keys, input, diagnostics);
    }
  }

  int dimension() const { return stored_ ? static_cast<int>(stored_->front().size()) : inputs_->dimension(); }
  bool is_drawn() const { return inputs_ && !axes_ && !triple_; }

  Points points(const Point& point, StreamKey key) const {
    if (stored_) return *stored_;
    if (axes_) return {{0.0, 0.0}, {1.0, 0.0}, {0.0, 1.0}};
    return triple_ ? inputs_->images(point, *triple_) : inputs_->draw(point, key, 3);
  }
  PlaneSlice slice(const Points& points) const { return slice_through(points[0], points[1], points[2], low_, high_); }

 private:
  void read_file(const Study& study, const StudyFile& file, int network_inputs, Diagnostics& diagnostics) {
    for (const char* path : {"regions_2d.plane", "regions_2d.triple", "input.dimension", "input.images", "input.q0"}) {
      if (study.setting(path) == nullptr && study.file(path) == nullptr) continue;
      diagnostics.error(study.place(path), fmt::format("'{}' has no meaning here ([regions_2d] file fixes the points) "
                                                       "remove one of them",
                                                       std::string(path).substr(std::string(path).find('.') + 1)));
    }
    if (file.bytes == nullptr) return;
    const Place place = study.place("regions_2d.file");
    try {
      stored_ = points_from(file);
      static_cast<void>(slice(*stored_));
    } catch (const std::exception& error) {
      diagnostics.error(place, error.what());
    }
    if (stored_ && network_inputs != 0 && network_inputs != dimension()) {
      diagnostics.error(place, fmt::format("the points have dimension {} (the network has {} inputs) give points of "
                                           "that dimension",
                                           dimension(), network_inputs));
    }
  }

  void read_input(const Study& study, const PlaneKeys& keys, const InputKeys& input, Diagnostics& diagnostics) {
    axes_ = keys.plane ? *keys.plane == PlaneKind::axes : inputs_->dimension() == 2 && !inputs_->has_data();
    const int inputs = inputs_->dimension();
    if (axes_ && inputs != 2 && inputs != 0) {
      diagnostics.error(study.place("regions_2d.plane"),
                        fmt::format("'plane' is \"axes\" (the network has {} inputs, and the axes' plane is all of two "
                                    "inputs) take \"points\"",
                                    inputs));
    }
    if (!axes_ && inputs == 1) {
      diagnostics.error(study.place("input"),
                        "the input has dimension 1 (three points of it lie on a line) take at least 2");
    }
    if (axes_ && input.q0.is_given()) {
      diagnostics.error(study.place("input.q0"),
                        "'q0' has no meaning here (plane = \"axes\" has no points to scale) remove one of them");
    }
    if (keys.triple) read_triple(study, *keys.triple, input.images != nullptr, diagnostics);
  }

  void read_triple(const Study& study, const std::vector<std::size_t>& triple, bool from_images,
                   Diagnostics& diagnostics) {
    const Place place = study.place("regions_2d.triple");
    if (!from_images) {
      diagnostics.error(place, "'triple' has no meaning here (there is no [input] images) remove one of them");
    } else if (triple.size() != 3) {
      diagnostics.error(place, fmt::format("'triple' has {} numbers (it names three images) write triple = [i, j, k]",
                                           triple.size()));
    } else if (inputs_->has_data()) {
      triple_ = triple;
      for (const std::size_t index : triple) {
        if (index < inputs_->data_count()) continue;
        diagnostics.error(place, fmt::format("'triple' names image {} (the file holds images 0 to {}) choose another",
                                             index, inputs_->data_count() - 1));
        triple_.reset();
        return;
      }
      check_triple(study, place, diagnostics);
    }
  }

  void check_triple(const Study& study, const Place& place, Diagnostics& diagnostics) {
    if (study.points() == 0 || diagnostics.failed()) return;
    try {
      const Points three = points(study.point(0), StreamKey{});
      static_cast<void>(slice_through(three[0], three[1], three[2], -1.0, 1.0));
    } catch (const std::invalid_argument& error) {
      diagnostics.error(place, error.what());
    }
  }

  double low_ = -1.0, high_ = 1.0;
  bool axes_ = false;
  std::optional<Points> stored_;
  std::optional<InputPoints> inputs_;
  std::optional<std::vector<std::size_t>> triple_;
};

class Regions final : public Measurement {
 public:
  using Keys = PointStudyKeys<PlaneKeys>;

  Regions(const Study& study, const Keys& keys, Diagnostics& diagnostics)
      : networks_(network_source(study, keys.networks, diagnostics)),
        plane_(study, keys.own, keys.input, networks_, diagnostics),
        edges_(keys.own.edges) {
    if (diagnostics.failed()) return;
    require_linear_pieces(study, *networks_, "regions are polygons only where it has", diagnostics);
    if (networks_->random() == nullptr && !plane_.is_drawn()) {
      warn_of_repetition(study, "network and points are fixed", diagnostics);
    }
    add(layer_axis(networks_->depth()));
    if (edges_) add({.name = "edge", .long_name = "boundary between two regions", .ragged = true});
    add({.layout = {"measured", std::nullopt, true, measured_arrays(edges_)},
         .cost = [this](const Point& point) { return cost_of(point); },
         .run = [this](const Task& task, Results& results) { measure(task, results); }});
  }

  void export_cell(const Task& task, const std::string& path) const override {
    const auto [network, points] = subject(task);
    NamedArrays arrays;
    add_network(*network, networks_->activation_text(task.point), arrays);
    NamedArray array{{points.size(), points.front().size()}, {}};
    for (const auto& point : points) array.values.insert(array.values.end(), point.begin(), point.end());
    arrays.arrays["/points"] = std::move(array);
    write_arrays(path, arrays);
  }

 private:
  /// Of a circle of random points' scale; a stored network's are unknown.
  std::vector<double> expected_on_circle(const Point& point) const {
    const std::vector<int> widths = networks_->widths(point);
    const RandomNetworks* random = networks_->random();
    if (random == nullptr) return expected_transitions({}, widths);
    TheoryParameters parameters;
    parameters.input_dimension = 2;
    parameters.widths = widths;
    parameters.sigma_w = random->sigma_w(point);
    parameters.sigma_b = random->sigma_b(point);
    const double radius = std::sqrt(2.0);
    const Curve circle = curve_between(CurveKind::circle, std::vector{radius, 0.0}, std::vector{0.0, radius});
    const Activation activation = networks_->activation(point);
    return expected_transitions(curve_theory(activation, parameters, circle).transitions, widths, &activation);
  }

  /// Random networks have about as many regions as lines in general position that a circle crosses as often as theory
  /// says that it meets the neurons' breakpoints: twice each.
  Cost cost_of(const Point& point) const {
    const LinearPieces* pieces = networks_->activation(point).pieces();
    const double breakpoints = pieces != nullptr ? static_cast<double>(pieces->breakpoints.size()) : 1.0;
    Cost cost;
    double lines = 0.0, met = 0.0, cells = 1.0, fan_in = plane_.dimension();
    const std::vector<double> transitions = expected_on_circle(point);
    std::size_t layer = 0;
    double live = 0.0;
    const MachineRates& rates = machine_rates();
    for (const int width : networks_->widths(point)) {
      cost.seconds += cells * width * (0.5 * rates.streamed * fan_in + 19.0 * rates.step * breakpoints);
      lines += breakpoints * width;
      const double parts = lines == breakpoints * width ? arrangement_bound(lines, 2) : 1.0 + breakpoints * width;
      live += parts * (width + 100.0) + 64.0 * 48.0 * width + 8.0 * width * fan_in;
      met += 0.5 * transitions[layer++];
      cells = arrangement_bound(met, 2);
      fan_in = width;
    }
    cost.seconds += rates.task + 100.0 * rates.step * cells;
    cost.bytes = 1e6 + live + (edges_ ? 80.0 * cells : 0.0);
    return cost;
  }

  void measure(const Task& task, Results& results) const {
    const auto [network, points] = subject(task);
    const RegionCounts counts = count_regions(*network, plane_.slice(points), edges_);
    results.set("cells", std::span<const std::int64_t>(counts.cells));
    results.set("cells_bound", std::span<const double>(cells_bound(*network)));
    std::vector<double> shallow;
    double lines = 0.0;
    for (int layer = 1; layer <= network->depth(); ++layer) {
      lines += static_cast<double>(network->activation().pieces()->breakpoints.size()) * network->width(layer);
      shallow.push_back(arrangement_bound(lines, 2));
    }
    results.set("shallow_bound", std::span<const double>(shallow));
    const PlaneSlice slice = plane_.slice(points);
    const double square = (slice.high - slice.low) * (slice.high - slice.low);
    results.set("area_error", std::abs(counts.area / square - 1.0));
    results.set("ties", counts.ties);
    results.set("closest_corner", std::isfinite(counts.smallest_distance) ? counts.smallest_distance
                                                                          : std::numeric_limits<double>::quiet_NaN());
    results.set("unresolved", counts.unresolved);
    if (edges_) set_edges(counts.edges, results);
  }

  std::pair<std::shared_ptr<const Network>, Points> subject(const Task& task) const {
    const StreamKey key = task_stream(task);
    return {networks_->network(task.point, key, plane_.dimension()), plane_.points(task.point, key)};
  }

  static void set_edges(const std::vector<RegionEdge>& edges, Results& results) {
    std::vector<double> ends(edges.size());
    const auto set = [&](const char* name, double RegionEdge::*end) {
      std::transform(edges.begin(), edges.end(), ends.begin(), [&](const RegionEdge& edge) { return edge.*end; });
      results.set(name, std::span<const double>(ends));
    };
    set("edge_s0", &RegionEdge::s0);
    set("edge_t0", &RegionEdge::t0);
    set("edge_s1", &RegionEdge::s1);
    set("edge_t1", &RegionEdge::t1);
    std::vector<std::int64_t> layers;
    for (const RegionEdge& edge : edges) layers.push_back(edge.layer);
    results.set("edge_layer", std::span<const std::int64_t>(layers));
  }

  std::shared_ptr<const NetworkSource> networks_;
  PlaneChoice plane_;
  bool edges_;
};

}  // namespace

std::unique_ptr<Measure> make_regions_2d() {
  return bound_measure<Regions>({.name = "regions_2d",
                                 .version = 3,
                                 .description = "linear regions of a network in a square of a plane through its input "
                                                "space, exactly and layer by layer, and the numbers that arrangements "
                                                "of lines allow",
                                 .arrays = measured_arrays(true)});
}

}  // namespace meander
