// A measure from what it says of itself and from the class that is bound to a study.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/measure/measure.hpp"
#include "studies/declare/declaration.hpp"

namespace meander {

struct MeasureFacts {
  std::string name;
  int version = 1;
  std::string description;
  /// Every array it can give, for `meander list`.
  std::vector<ArraySpec> arrays;
  bool single_precision = false;
};

/// `Bound` is a Measurement with a struct `Bound::Keys`, which declares the keys, and a constructor from
/// (const Study&, const Keys&, Diagnostics&): it reports mistakes, all that it can find, and is not used where there
/// were any.
template <class Bound>
class BoundMeasure final : public Measure {
 public:
  explicit BoundMeasure(MeasureFacts facts) : facts_(std::move(facts)) {}

  std::string name() const override { return facts_.name; }
  int version() const override { return facts_.version; }
  std::string description() const override { return facts_.description; }
  bool offers_single_precision() const override { return facts_.single_precision; }
  std::vector<Key> keys() const override { return keys_of<typename Bound::Keys>(); }
  std::vector<ArraySpec> arrays() const override { return facts_.arrays; }
  std::unique_ptr<Measurement> bind(const Study& study, Diagnostics& diagnostics) const override {
    Declaration declare(study);
    const typename Bound::Keys keys(declare);
    auto bound = std::make_unique<Bound>(study, keys, diagnostics);
    return diagnostics.failed() ? nullptr : std::move(bound);
  }

 private:
  MeasureFacts facts_;
};

template <class Bound>
std::unique_ptr<Measure> bound_measure(MeasureFacts facts) {
  return std::make_unique<BoundMeasure<Bound>>(std::move(facts));
}

}  // namespace meander
