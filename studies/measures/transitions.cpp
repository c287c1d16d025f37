// Switches of linear piece along a curve's image in every layer of a network, with sign changes,
// pieces and activation patterns, against mean-field theory (Raghu et al. 2017, section 2).
#include <memory>
#include <string>
#include <vector>

#include "kernels/linear_regions/exact_curve.hpp"
#include "studies/curves/count_method.hpp"
#include "studies/curves/curve_study.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/declare/theory_status.hpp"
#include "studies/inputs/law_limits.hpp"

namespace meander {
namespace {

struct CountKeys {
  explicit CountKeys(Declaration& declare);

  CountMethod method = CountMethod::automatic;
  bool events = false;
  bool patterns = true;
};

CountKeys::CountKeys(Declaration& declare) {
  declare(method, {.section = "transitions",
                   .name = "method",
                   .description = "auto: exact where the activation has linear pieces, else sampled; exact in double "
                                  "whatever the precision",
                   .default_value = Value("auto")});
  declare(events, {.section = "transitions",
                   .name = "events",
                   .description = "keep every switch (exact counts only)",
                   .default_value = Value(false)});
  declare(patterns, {.section = "transitions",
                     .name = "patterns",
                     .description = "count distinct activation patterns; on circles and arcs they take 16 to 48 bytes "
                                    "each and layer",
                     .default_value = Value(true)});
}

/// What a study's counts bring.
struct Wanted {
  bool readout = true;
  bool patterns = true;
  bool events = true;
  bool exact = true;    // somewhere
  bool sampled = true;  // somewhere
};

std::vector<ArraySpec> exact_arrays() {
  std::vector<ArraySpec> arrays{
      array("smallest_gap", ArrayType::float64, "smallest distance in t between neighbouring switches of all layers",
            {}),
      array("unresolved_events", ArrayType::int64,
            "neighbouring switches at one place: exact ties, and whatever was left to rounding", {})};
  arrays.front().undefined_where = "there are fewer than two, or counts are sampled";
  arrays.back().undefined_where = "counts are sampled";
  return arrays;
}

std::vector<ArraySpec> event_arrays() {
  return {array("event_t", ArrayType::float64, "position of a switch on the curve, ascending", {"event"}),
          array("event_layer", ArrayType::int64, "layer of the neuron that switches, from 1", {"event"}),
          array("event_neuron", ArrayType::int64, "neuron that switches, from 0", {"event"}),
          array("event_old", ArrayType::int64, "its linear piece before, from 0", {"event"}),
          array("event_new", ArrayType::int64, "its linear piece after", {"event"})};
}

std::vector<ArraySpec> measured_arrays(const Wanted& wanted) {
  std::vector<ArraySpec> arrays{
      array("exact", ArrayType::int8, "1 where counts are exact, 0 where they were taken between samples", {}),
      array("transitions", ArrayType::int64, "switches of linear piece, summed over the layer's neurons", {"layer"}),
      array("sign_changes", ArrayType::int64, "crossings of h = 0, summed over the layer's neurons", {"layer"}),
      array("pieces", ArrayType::int64, "linear pieces of layers 1 to l along the curve", {"layer"}),
      array("input_length", ArrayType::float64,
            "length of the curve in input space; where counts are sampled, of the polygon through the samples", {}),
      array("length", ArrayType::float64, "length of the post-activations' curve x^l", {"layer"})};
  if (wanted.patterns) {
    arrays.push_back(array("patterns", ArrayType::int64, "distinct activation patterns of layers 1 to l", {"layer"}));
  }
  for (ArraySpec& spec : arrays) {
    const bool of_pieces = spec.name == "transitions" || spec.name == "pieces" || spec.name == "patterns";
    if (of_pieces && wanted.sampled) spec.undefined_where = "the activation has no linear pieces";
  }
  if (wanted.exact) append(arrays, exact_arrays());
  if (wanted.exact && wanted.events) {
    for (const ArraySpec& spec : event_arrays()) arrays.push_back(undefined("counts are sampled", spec));
  }
  if (wanted.sampled) {
    for (const ArraySpec& spec : sampling_arrays("counts")) arrays.push_back(undefined("counts are exact", spec));
  }
  if (wanted.readout) {
    arrays.push_back(array("readout_sign_changes", ArrayType::int64, "sign changes of the readout's first output", {}));
  }
  return arrays;
}

std::vector<ArraySpec> theory_arrays() {
  const std::string origin = "the curve passes through the origin of a network without biases";
  std::vector<ArraySpec> arrays = limited_by_law(
      {undefined("the activation has no linear pieces, or " + origin,
                 array("transitions_theory", ArrayType::float64,
                       "switches of linear piece at infinite width, summed over the layer's neurons", {"layer"})),
       undefined(origin, array("sign_changes_theory", ArrayType::float64,
                               "crossings of h = 0 at infinite width, summed over the layer's neurons", {"layer"}))});
  arrays.push_back(undefined("the activation has no linear pieces, or q is no number",
                             infinite("the rate that it corrects is 0",
                                      array("switching_correction", ArrayType::float64,
                                            "gaussian_correction of the rate of switches, the largest at any "
                                            "breakpoint; transitions_theory is missing in a layer where it exceeds "
                                            "0.05, too",
                                            {"layer"}))));
  return arrays;
}

void set_theory(const CurveTheory& theory, const GaussianCorrection& correction, Results& results) {
  results.set("gaussian_correction", std::span<const double>(correction.layers));
  if (!correction.switches.empty()) {
    results.set("switching_correction", std::span<const double>(correction.switches));
  }
  results.set("transitions_theory", leading(theory.transitions, theory.finite_layers));
  results.set("sign_changes_theory", leading(theory.sign_changes, theory.finite_layers));
  report_theory(theory.finite_layers, static_cast<int>(theory.growth.size()), theory.converged, results);
}

class Counts final : public Measurement {
 public:
  struct Keys {
    explicit Keys(Declaration& declare) : curves(declare), own(declare) {}
    CurveStudyKeys curves;
    CountKeys own;
  };

  Counts(const Study& study, const Keys& keys, Diagnostics& diagnostics)
      : curves_(study, keys.curves, diagnostics), how_(keys.own) {
    if (diagnostics.failed()) return;
    const Extent exact = activations_with(study, curves_.networks(), [&](const Activation& activation) {
      return counts_exactly(how_.method, activation);
    });
    check(study, exact, diagnostics);
    add(layer_axis(curves_.depth()));
    if (exact.any && how_.events) {
      add(OwnDimension{.name = "event", .long_name = "switches of linear piece, in order", .ragged = true});
    }
    std::vector<ArraySpec> arrays = measured_arrays({.readout = curves_.networks().readout_outputs() > 0,
                                                     .patterns = how_.patterns,
                                                     .events = how_.events,
                                                     .exact = exact.any,
                                                     .sampled = !exact.all});
    if (!curves_.has_theory_family()) append(arrays, theory_arrays());
    add({.layout = {"measured", std::nullopt, true, std::move(arrays)},
         .cost = [this](const Point& point) { return cost_of(point); },
         .run = [this](const Task& task, Results& results) { measure(task, results); }});
    if (!curves_.has_theory_family()) return;
    add({.layout = {"theory", std::nullopt, false, theory_arrays()},
         .cost = [this](const Point& point) { return curves_.theory_cost(point); },
         .run =
             [this](const Task& task, Results& results) {
               const Curve curve = curves_.typical_curve(task.point);
               set_theory(curves_.theory(task.point, curve), curves_.correction(task.point, curve), results);
             }});
  }

  void export_cell(const Task& task, const std::string& path) const override { curves_.export_cell(task, path); }

 private:
  void check(const Study& study, const Extent& exact, Diagnostics& diagnostics) const {
    if (how_.method == CountMethod::exact && !exact.all) {
      diagnostics.error(
          study.place("transitions.method"),
          "'method' is \"exact\" (an activation of this study is smooth: exact counts need linear pieces) "
          "take \"auto\", which samples smooth activations, or \"sampled\"");
    }
    if (how_.events && !exact.any) {
      diagnostics.error(
          study.place("transitions.events"),
          "'events' is true (nothing in this study is counted exactly: only exact counts have events) take "
          "method = \"auto\" and an activation with linear pieces, or leave 'events' out");
    }
  }

  Cost cost_of(const Point& point) const {
    return counts_exactly(how_.method, curves_.networks().activation(point))
               ? curves_.exact_cost(point, how_.patterns, how_.events)
               : curves_.sampling_cost(point);
  }

  void measure(const Task& task, Results& results) const {
    const auto subject = curves_.subject(task);
    const Activation& activation = subject.network->activation();
    if (counts_exactly(how_.method, activation)) {
      const ExactOptions options{.patterns = how_.patterns, .events = how_.events};
      set_exact(exact_curve(*subject.network, subject.curve, options), *subject.network, results);
    } else {
      const bool has_pieces = activation.pieces() != nullptr;
      set_counts(curves_.sample(task, subject, has_pieces), has_pieces, *subject.network, results);
    }
    if (curves_.has_theory_of_draws()) {
      set_theory(curves_.theory(task.point, subject.curve), curves_.correction(task.point, subject.curve), results);
    }
  }

  void set_counts(const SampledCounts& counts, bool has_pieces, const Network& network, Results& results) const {
    const int finite = counts.finite_layers;
    results.set("exact", std::int64_t{0});
    results.set("sign_changes", leading(counts.sign_changes, finite));
    results.set("input_length", counts.input_length);
    results.set("length", leading(counts.length, finite));
    if (has_pieces) {
      results.set("transitions", leading(counts.transitions, finite));
      results.set("pieces", leading(counts.pieces, finite));
      if (how_.patterns) results.set("patterns", leading(counts.patterns, finite));
      set_sampling(relative_change(counts.transitions, counts.transitions_half, finite), results);
    } else {
      set_sampling(relative_change(counts.sign_changes, counts.sign_changes_half, finite), results);
    }
    if (counts.readout_sign_changes && finite == network.depth()) {
      results.set("readout_sign_changes", *counts.readout_sign_changes);
    }
    report_overflow(counts.finite_layers, network, curves_.precision(), results);
  }

  void set_exact(const ExactCounts& counts, const Network& network, Results& results) const {
    const int finite = counts.finite_layers;
    results.set("exact", std::int64_t{1});
    results.set("transitions", leading(counts.transitions, finite));
    results.set("sign_changes", leading(counts.sign_changes, finite));
    results.set("pieces", leading(counts.pieces, finite));
    if (how_.patterns) results.set("patterns", leading(counts.patterns, finite));
    results.set("input_length", counts.input_length);
    results.set("length", leading(counts.length, finite));
    results.set("smallest_gap", counts.smallest_gap);
    results.set("unresolved_events", counts.unresolved_events);
    if (counts.readout_sign_changes) results.set("readout_sign_changes", *counts.readout_sign_changes);
    if (how_.events) set_events(counts.events, results);
    report_overflow(counts.finite_layers, network, Precision::double_, results);
  }

  static void set_events(const std::vector<ExactEvent>& events, Results& results) {
    std::vector<double> t;
    std::vector<std::int64_t> layer, neuron, before, after;
    for (const ExactEvent& event : events) {
      t.push_back(event.t);
      layer.push_back(event.layer);
      neuron.push_back(event.neuron);
      before.push_back(event.before);
      after.push_back(event.after);
    }
    results.set("event_t", std::span<const double>(t));
    const auto set = [&](const char* name, const std::vector<std::int64_t>& values) {
      results.set(name, std::span<const std::int64_t>(values));
    };
    set("event_layer", layer);
    set("event_neuron", neuron);
    set("event_old", before);
    set("event_new", after);
  }

  CurveStudy curves_;
  CountKeys how_;
};

}  // namespace

std::unique_ptr<Measure> make_transitions() {
  return bound_measure<Counts>({.name = "transitions",
                                .version = 6,
                                .description =
                                    "switches of linear piece and sign changes along a curve's image in every "
                                    "layer, linear pieces and activation patterns, and the counts that "
                                    "theory predicts",
                                .arrays = joined(measured_arrays({}), theory_arrays()),
                                .single_precision = true});
}

}  // namespace meander
