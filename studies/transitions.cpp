// Switches of linear piece along a curve's image in every layer of a network, with sign changes,
// pieces and activation patterns, against mean-field theory (Raghu et al. 2017, section 2).
#include <memory>
#include <string>
#include <vector>

#include "studies/curve_study.hpp"

namespace meander {
namespace {

ArraySpec array(std::string name, ArrayType type, std::string long_name, std::vector<std::string> dimensions) {
  ArraySpec spec;
  spec.name = std::move(name);
  spec.long_name = std::move(long_name);
  spec.type = type;
  spec.dimensions = std::move(dimensions);
  return spec;
}

std::vector<ArraySpec> measured_arrays(bool readout) {
  std::vector<ArraySpec> arrays{
      array("exact", ArrayType::int8, "1 where counts are exact, 0 where they were taken between samples", {}),
      array("transitions", ArrayType::int64, "switches of linear piece, summed over the layer's neurons", {"layer"}),
      array("sign_changes", ArrayType::int64, "crossings of h = 0, summed over the layer's neurons", {"layer"}),
      array("pieces", ArrayType::int64, "linear pieces of layers 1 to l along the curve", {"layer"}),
      array("patterns", ArrayType::int64, "distinct activation patterns of layers 1 to l", {"layer"}),
      array("input_length", ArrayType::float64, "length of the curve in input space, as a polygon through the samples",
            {}),
      array("length", ArrayType::float64, "length of the post-activations' curve x^l", {"layer"})};
  for (ArraySpec& spec : sampling_arrays("counts")) arrays.push_back(std::move(spec));
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

void set_theory(const CurveTheory& theory, Results& results) {
  results.set("transitions_theory", theory.transitions);
  results.set("sign_changes_theory", theory.sign_changes);
}

class Counts final : public Measurement {
 public:
  explicit Counts(const Study& study) : curves_(CurveStudy::read(study)), single_(study.single_precision) {}

  Layout layout() const override {
    Layout layout;
    layout.dimensions = {curves_.layer_dimension()};
    Family measured{"measured", std::nullopt, true, measured_arrays(curves_.has_readout())};
    Family theory{"theory", std::nullopt, false, theory_arrays()};
    if (curves_.has_theory_family()) {
      layout.families = {measured, theory};
    } else {
      measured.arrays.insert(measured.arrays.end(), theory.arrays.begin(), theory.arrays.end());
      layout.families = {measured};
    }
    return layout;
  }

  Cost cost(std::size_t family, const Point& point) const override {
    return family == 0 ? curves_.sampling_cost(point) : curves_.theory_cost(point);
  }

  void run(const Task& task, Results& results) const override {
    if (task.family == 1) {
      set_theory(*curves_.theory(task.point, nullptr), results);
      return;
    }
    const auto subject = curves_.subject(task);
    const bool has_pieces = subject.network->activation().pieces() != nullptr;
    set_counts(curves_.sample(task, subject, has_pieces), has_pieces, *subject.network, results);
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
      results.set("patterns", leading(counts.patterns, finite));
      set_sampling(relative_change(counts.transitions, counts.transitions_half, finite), results);
    } else {
      set_sampling(relative_change(counts.sign_changes, counts.sign_changes_half, finite), results);
    }
    if (counts.readout_sign_changes && finite == network.depth()) {
      results.set("readout_sign_changes", *counts.readout_sign_changes);
    }
    report_overflow(counts, network, single_, results);
  }

  CurveStudy curves_;
  bool single_;
};

class Transitions final : public Measure {
 public:
  std::string name() const override { return "transitions"; }
  int version() const override { return 1; }
  std::string description() const override {
    return "switches of linear piece and sign changes along a curve's image in every layer, linear pieces and "
           "activation "
           "patterns, and the counts that theory predicts";
  }
  std::vector<Key> keys() const override {
    std::vector<Key> keys = CurveStudy::keys();
    Key method;
    method.section = "transitions";
    method.name = "method";
    method.type = KeyType::string;
    method.description =
        "auto: exact where the activation has linear pieces, else sampled; this version always samples";
    method.choices = {"auto", "exact", "sampled"};
    method.default_value = Value("auto");
    keys.push_back(std::move(method));
    return keys;
  }
  std::vector<ArraySpec> arrays() const override {
    std::vector<ArraySpec> arrays = measured_arrays(true);
    for (ArraySpec& spec : theory_arrays()) arrays.push_back(std::move(spec));
    return arrays;
  }
  void check(const Study& study, Diagnostics& diagnostics) const override {
    const Value* method = study.setting("transitions.method");
    if (method != nullptr && *method == Value("exact")) {
      diagnostics.error(
          study.place("transitions.method"),
          "'method' is \"exact\" (this version counts between samples only) take \"auto\" or \"sampled\"");
    }
    check_curve_study(study, diagnostics);
  }
  std::unique_ptr<Measurement> bind(const Study& study) const override { return std::make_unique<Counts>(study); }
};

}  // namespace

std::unique_ptr<Measure> make_transitions() {
  return std::make_unique<Transitions>();
}

}  // namespace meander
