// The catalogue of measures.
#include "pipeline/measure/measure.hpp"

#include <stdexcept>
#include <utility>

namespace meander {

Layout Measurement::layout() const {
  Layout layout;
  layout.dimensions = dimensions_;
  for (const TaskFamily& family : families_) layout.families.push_back(family.layout);
  return layout;
}

std::string Measurement::smaller(std::size_t family, const Point& point) const {
  const auto& own = families_[family].smaller;
  return own ? own(point) : "narrower layers or fewer samples";
}

void Measurement::export_cell(const Task& task, const std::string&) const {
  throw BadInput("measure '" + task.study.measure + "' has nothing to export (it draws no network)");
}

void Catalogue::add(std::unique_ptr<Measure> measure) {
  if (find(measure->name())) throw std::logic_error("two measures are called '" + measure->name() + "'");
  measures_.push_back(std::move(measure));
}

const Measure* Catalogue::find(std::string_view name) const {
  for (const auto& measure : measures_) {
    if (measure->name() == name) return measure.get();
  }
  return nullptr;
}

std::vector<const Measure*> Catalogue::measures() const {
  std::vector<const Measure*> all;
  for (const auto& measure : measures_) all.push_back(measure.get());
  return all;
}

BoundStudy Catalogue::bind(Study study) const {
  const Measure* measure = find(study.measure);
  if (measure == nullptr) throw BadInput("there is no measure '" + study.measure + "' in this program");
  Diagnostics diagnostics;
  std::unique_ptr<Measurement> measurement = measure->bind(study, diagnostics);
  diagnostics.throw_if_failed();
  return {std::move(study), std::move(measurement)};
}

}  // namespace meander
