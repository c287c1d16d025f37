// What all singular values of a Jacobian take: neurons whose slope is zero take no part.
#pragma once

#include "kernels/networks/network.hpp"

namespace meander {

/// Of the neurons of a layer, how many have a slope that is not zero: the mean over the layers at infinite width.
double open_share(const RandomNetwork::Parameters& parameters);

/// Seconds of `jacobian_spectrum` and of drawing the weights, on an idle core (machine_rates.hpp). Spectra that need
/// extended precision are not foreseen: they take up to two seconds more.
double spectrum_seconds(const RandomNetwork::Parameters& parameters);

}  // namespace meander
