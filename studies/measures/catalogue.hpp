// Every measure of meander, one line each.
#pragma once

#include "pipeline/measure/measure.hpp"

namespace meander {

Catalogue all_measures();

}  // namespace meander
