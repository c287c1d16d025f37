// Switches of linear piece along a curve's image in every layer of a network, with sign changes,
// pieces and activation patterns, against mean-field theory (Raghu et al. 2017, section 2).
#include <memory>
#include <string>
#include <vector>

#include "kernels/linear_regions/exact_curve.hpp"
#include "studies/curves/curve_study.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/networks/random_networks.hpp"

namespace meander {
namespace {

/// How a study counts.
struct Method {
  std::string name = "auto";
  bool events = false;
  bool patterns = true;

  static Method of(const Study& study) {
    const auto flag = [&](const char* key, bool otherwise) {
      const Value* value = study.setting(key);
      return value != nullptr ? *value == Value(true) : otherwise;
    };
    Method method;
    if (const Value* value = study.setting("transitions.method")) method.name = value->text();
    method.events = flag("transitions.events", false);
    method.patterns = flag("transitions.patterns", true);
    return method;
  }
  bool is_exact(const Activation& activation) const { return name != "sampled" && activation.pieces() != nullptr; }
  Cost cost(const CurveStudy& curves, const Point& point) const {
    return is_exact(curves.activation(point)) ? curves.exact_cost(point, patterns, events)
                                              : curves.sampling_cost(point);
  }
};

std::vector<ArraySpec> exact_arrays() {
  std::vector<ArraySpec> arrays{
      array("smallest_gap", ArrayType::float64, "smallest distance in t between neighbouring switches of all layers",
            {}),
      array("unresolved_events", ArrayType::int64,
            "neighbouring switches closer than rounding can separate, and states that it may have chosen", {})};
  arrays.front().nonfinite = true;  // where there are fewer than two
  return arrays;
}

std::vector<ArraySpec> event_arrays() {
  return {array("event_t", ArrayType::float64, "position of a switch on the curve, ascending", {"event"}),
          array("event_layer", ArrayType::int64, "layer of the neuron that switches, from 1", {"event"}),
          array("event_neuron", ArrayType::int64, "neuron that switches, from 0", {"event"}),
          array("event_old", ArrayType::int64, "its linear piece before, from 0", {"event"}),
          array("event_new", ArrayType::int64, "its linear piece after", {"event"})};
}

std::vector<ArraySpec> measured_arrays(bool readout, const Method& method, bool exact, bool sampled) {
  std::vector<ArraySpec> arrays{
      array("exact", ArrayType::int8, "1 where counts are exact, 0 where they were taken between samples", {}),
      array("transitions", ArrayType::int64, "switches of linear piece, summed over the layer's neurons", {"layer"}),
      array("sign_changes", ArrayType::int64, "crossings of h = 0, summed over the layer's neurons", {"layer"}),
      array("pieces", ArrayType::int64, "linear pieces of layers 1 to l along the curve", {"layer"}),
      array("input_length", ArrayType::float64,
            "length of the curve in input space; where counts are sampled, of the polygon through the samples", {}),
      array("length", ArrayType::float64, "length of the post-activations' curve x^l", {"layer"})};
  const auto append = [&](std::vector<ArraySpec> more) {
    for (ArraySpec& spec : more) arrays.push_back(std::move(spec));
  };
  if (method.patterns)
    append({array("patterns", ArrayType::int64, "distinct activation patterns of layers 1 to l", {"layer"})});
  if (exact) append(exact_arrays());
  if (exact && method.events) append(event_arrays());
  if (sampled) append(sampling_arrays("counts"));
  if (readout) {
    arrays.push_back(array("readout_sign_changes", ArrayType::int64, "sign changes of the readout's first output", {}));
  }
  return arrays;
}

std::vector<ArraySpec> theory_arrays() {
  std::vector<ArraySpec> arrays{
      array("transitions_theory", ArrayType::float64,
            "switches of linear piece at infinite width, summed over the layer's neurons", {"layer"}),
      array("sign_changes_theory", ArrayType::float64,
            "crossings of h = 0 at infinite width, summed over the layer's neurons", {"layer"})};
  for (ArraySpec& spec : arrays) spec.nonfinite = true;  // missing where the theory does not hold
  return arrays;
}

Key setting(const char* name, KeyType type, Value otherwise, const char* description) {
  Key key;
  key.section = "transitions";
  key.name = name;
  key.type = type;
  key.description = description;
  key.default_value = std::move(otherwise);
  return key;
}

void set_theory(const CurveTheory& theory, Results& results) {
  results.set("transitions_theory", theory.transitions);
  results.set("sign_changes_theory", theory.sign_changes);
}

/// Whether any, and whether every point of the study counts exactly.
struct Exactness {
  bool any = false;
  bool all = true;
};

Exactness exactness(const Study& study, const CurveStudy& curves, const Method& method) {
  Exactness result;
  if (study.file("network.file") != nullptr) {
    result.any = result.all = method.is_exact(curves.stored_activation());
    return result;
  }
  for (const Point& point : distinct_points(study, {"activation"})) {
    const bool exact = method.is_exact(curves.activation(point));
    result.any = result.any || exact;
    result.all = result.all && exact;
  }
  return result;
}

class Counts final : public Measurement {
 public:
  explicit Counts(const Study& study)
      : curves_(CurveStudy::read(study)),
        method_(Method::of(study)),
        exactness_(exactness(study, curves_, method_)),
        single_(study.single_precision) {}

  Layout layout() const override {
    Layout layout;
    layout.dimensions = {curves_.layer_dimension()};
    if (exactness_.any && method_.events) {
      OwnDimension event;
      event.name = "event";
      event.long_name = "switches of linear piece, in order";
      event.ragged = true;
      layout.dimensions.push_back(event);
    }
    layout.families = with_theory(measured_arrays(curves_.has_readout(), method_, exactness_.any, !exactness_.all),
                                  theory_arrays(), curves_.has_theory_family());
    return layout;
  }

  Cost cost(std::size_t family, const Point& point) const override {
    return family == 1 ? curves_.theory_cost(point) : method_.cost(curves_, point);
  }

  void run(const Task& task, Results& results) const override {
    if (task.family == 1) {
      set_theory(*curves_.theory(task.point, nullptr), results);
      return;
    }
    const auto subject = curves_.subject(task);
    const Activation& activation = subject.network->activation();
    if (method_.is_exact(activation)) {
      const ExactOptions options{.patterns = method_.patterns, .events = method_.events};
      set_exact(exact_curve(*subject.network, subject.curve, options), *subject.network, results);
    } else {
      const bool has_pieces = activation.pieces() != nullptr;
      set_counts(curves_.sample(task, subject, has_pieces), has_pieces, *subject.network, results);
    }
    if (curves_.has_theory_family()) return;
    if (const auto theory = curves_.theory(task.point, &subject.curve)) set_theory(*theory, results);
  }

  void export_cell(const Task& task, const std::string& path) const override { curves_.export_cell(task, path); }

 private:
  void set_counts(const SampledCounts& counts, bool has_pieces, const Network& network, Results& results) const {
    const int finite = counts.finite_layers;
    results.set("exact", std::int64_t{0});
    results.set("sign_changes", leading(counts.sign_changes, finite));
    results.set("input_length", counts.input_length);
    results.set("length", leading(counts.length, finite));
    if (has_pieces) {
      results.set("transitions", leading(counts.transitions, finite));
      results.set("pieces", leading(counts.pieces, finite));
      if (method_.patterns) results.set("patterns", leading(counts.patterns, finite));
      set_sampling(relative_change(counts.transitions, counts.transitions_half, finite), results);
    } else {
      set_sampling(relative_change(counts.sign_changes, counts.sign_changes_half, finite), results);
    }
    if (counts.readout_sign_changes && finite == network.depth()) {
      results.set("readout_sign_changes", *counts.readout_sign_changes);
    }
    report_overflow(counts.finite_layers, network, single_, results);
  }

  void set_exact(const ExactCounts& counts, const Network& network, Results& results) const {
    const int finite = counts.finite_layers;
    results.set("exact", std::int64_t{1});
    results.set("transitions", leading(counts.transitions, finite));
    results.set("sign_changes", leading(counts.sign_changes, finite));
    results.set("pieces", leading(counts.pieces, finite));
    if (method_.patterns) results.set("patterns", leading(counts.patterns, finite));
    results.set("input_length", counts.input_length);
    results.set("length", leading(counts.length, finite));
    results.set("smallest_gap", counts.smallest_gap);
    results.set("unresolved_events", counts.unresolved_events);
    if (counts.readout_sign_changes) results.set("readout_sign_changes", *counts.readout_sign_changes);
    if (method_.events) set_events(counts.events, results);
    report_overflow(counts.finite_layers, network, false, results);
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
  Method method_;
  Exactness exactness_;
  bool single_;
};

class Transitions final : public Measure {
 public:
  std::string name() const override { return "transitions"; }
  int version() const override { return 4; }
  std::string description() const override {
    return "switches of linear piece and sign changes along a curve's image in every layer, linear pieces and "
           "activation "
           "patterns, and the counts that theory predicts";
  }
  std::vector<Key> keys() const override {
    std::vector<Key> keys = CurveStudy::keys();
    keys.push_back(setting("method", KeyType::string, Value("auto"),
                           "auto: exact where the activation has linear pieces, else sampled; exact in double whatever "
                           "the precision"));
    keys.back().choices = {"auto", "exact", "sampled"};
    keys.push_back(setting("events", KeyType::boolean, Value(false), "keep every switch (exact counts only)"));
    keys.push_back(setting("patterns", KeyType::boolean, Value(true),
                           "count distinct activation patterns; on circles and arcs they take 16 to 48 bytes each and "
                           "layer"));
    return keys;
  }
  std::vector<ArraySpec> arrays() const override {
    Method everything;
    everything.events = true;
    std::vector<ArraySpec> arrays = measured_arrays(true, everything, true, true);
    for (ArraySpec& spec : theory_arrays()) arrays.push_back(std::move(spec));
    return arrays;
  }
  void check(const Study& study, Diagnostics& diagnostics) const override {
    const Method method = Method::of(study);
    check_curve_study(study, diagnostics);
    if (diagnostics.failed()) return;
    const Exactness exact = exactness(study, CurveStudy::read(study), method);
    if (method.name == "exact" && !exact.all) {
      diagnostics.error(
          study.place("transitions.method"),
          "'method' is \"exact\" (an activation of this study is smooth: exact counts need linear pieces) "
          "take \"auto\", which samples smooth activations, or \"sampled\"");
    }
    if (method.events && !exact.any) {
      diagnostics.error(
          study.place("transitions.events"),
          "'events' is true (nothing in this study is counted exactly: only exact counts have events) take "
          "method = \"auto\" and an activation with linear pieces, or leave 'events' out");
    }
  }
  std::unique_ptr<Measurement> bind(const Study& study) const override { return std::make_unique<Counts>(study); }
};

}  // namespace

std::unique_ptr<Measure> make_transitions() {
  return std::make_unique<Transitions>();
}

}  // namespace meander
