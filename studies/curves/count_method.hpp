// How switches of linear pieces are counted.
#pragma once

#include "kernels/networks/activation.hpp"
#include "studies/declare/declaration.hpp"

namespace meander {

enum class CountMethod { automatic, exact, sampled };

template <>
constexpr std::array<std::string_view, 3> choice_names<CountMethod>{"auto", "exact", "sampled"};

/// Exactly where the activation has linear pieces, unless samples were asked for.
inline bool counts_exactly(CountMethod method, const Activation& activation) {
  return method != CountMethod::sampled && activation.pieces() != nullptr;
}

}  // namespace meander
