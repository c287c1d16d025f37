// Random networks from a point of the sweep: their keys, checks and parameters, shared by every
// measure on random networks.
#pragma once

#include <string_view>
#include <vector>

#include "kernels/networks/network.hpp"
#include "pipeline/study/study.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"

namespace meander {

/// width, depth, widths, sigma_w, sigma_b, activation, weights (all in [sweep]) and [readout] sigma.
std::vector<Key> random_network_keys();

/// True where every point of the sweep gives the parameter `name`.
bool is_swept(const Study& study, std::string_view name);

/// The points that differ in any of `names`, one of each combination: checks need no more.
std::vector<Point> distinct_points(const Study& study, const std::vector<std::string_view>& names);

/// Complains of missing and of contradicting parameters.
void check_random_networks(const Study& study, Diagnostics& diagnostics);
/// Complains of parameters of random networks in a study of a stored one.
void refuse_random_networks(const Study& study, Diagnostics& diagnostics);

/// N_1 .. N_depth of a point.
std::vector<int> widths_of(const Point& point);
/// The largest depth of the sweep.
int max_depth(const Study& study);
bool has_readout(const Study& study);

/// The activation stays linear where the point names none (a measure makes its own).
RandomNetwork::Parameters network_parameters(const Point& point, int input_dimension);

}  // namespace meander
