// The catalogue of measures.
#include "pipeline/measure/measure.hpp"

#include <stdexcept>

namespace meander {

void Measurement::export_cell(const Task& task, const std::string&) const {
  throw BadInput("measure '" + task.study.measure + "' has nothing to export (it draws no network)");
}

std::string Measurement::smaller(std::size_t, const Point&) const {
  return "narrower layers or fewer samples";
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

}  // namespace meander
