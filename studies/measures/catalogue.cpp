#include "studies/measures/catalogue.hpp"

#include <memory>

namespace meander {

std::unique_ptr<Measure> make_activation_spectrum();
std::unique_ptr<Measure> make_decision_boundary();
std::unique_ptr<Measure> make_deep_versus_wide();
std::unique_ptr<Measure> make_dichotomies();
std::unique_ptr<Measure> make_geometry();
std::unique_ptr<Measure> make_jacobian_extremes();
std::unique_ptr<Measure> make_jacobian_spectrum();
std::unique_ptr<Measure> make_manifold_volume();
std::unique_ptr<Measure> make_participation_ratio();
std::unique_ptr<Measure> make_phase_diagram();
std::unique_ptr<Measure> make_regions_2d();
std::unique_ptr<Measure> make_signal_propagation();
std::unique_ptr<Measure> make_trajectory_length();
std::unique_ptr<Measure> make_transitions();

Catalogue all_measures() {
  Catalogue catalogue;
  catalogue.add(make_activation_spectrum());
  catalogue.add(make_decision_boundary());
  catalogue.add(make_deep_versus_wide());
  catalogue.add(make_dichotomies());
  catalogue.add(make_geometry());
  catalogue.add(make_jacobian_extremes());
  catalogue.add(make_jacobian_spectrum());
  catalogue.add(make_manifold_volume());
  catalogue.add(make_participation_ratio());
  catalogue.add(make_phase_diagram());
  catalogue.add(make_regions_2d());
  catalogue.add(make_signal_propagation());
  catalogue.add(make_trajectory_length());
  catalogue.add(make_transitions());
  return catalogue;
}

}  // namespace meander
