// The decision boundary whose curvatures are known from an independent program.
#include "kernels/decision_boundary/boundary_curvature.hpp"
#include "kernels/decision_boundary/boundary_search.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "studies/networks/stored_networks.hpp"
#include "tests/support/reference.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace meander {
namespace {

using testing_support::reference_data;
using testing_support::reference_network;

TEST(ReferenceBoundary, CurvaturesInEveryLayer) {
  const nlohmann::json reference = reference_data("boundary_dropout_shallow.json");
  ASSERT_FALSE(reference.at("decision_boundary").empty());
  for (const auto& entry : reference.at("decision_boundary")) {
    const auto path = reference_network(entry.at("net"));
    std::ifstream stream(path, std::ios::binary);
    const std::vector<char> content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const NamedArrays file = read_arrays(std::as_bytes(std::span(content)), path.string());
    const BoundaryFunction boundary(network_from(file, path.string()), file.find("/extra/beta")->values, 0.0);
    const auto hit = boundary_near(boundary, file.find("/extra/x")->values, {});
    ASSERT_TRUE(hit && hit->converged);
    EXPECT_EQ(hit->point.x, file.find("/extra/x")->values);  // G is 3e-16 there
    const auto found = principal_curvatures(boundary, hit->point, {100, CurvatureSolver::dense});
    const auto& layers = entry.at("layers");
    ASSERT_EQ(found.size(), layers.size());
    for (std::size_t l = 0; l < found.size(); ++l) {
      EXPECT_NEAR(found[l].gradient_norm, layers[l].at("grad_norm").get<double>(), 1e-12);
      const auto expected = layers[l].at("principal_curvatures").get<std::vector<double>>();
      ASSERT_EQ(found[l].smallest.size(), expected.size());
      for (std::size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(found[l].smallest[k], expected[k], 1e-12);
    }
  }
}

}  // namespace
}  // namespace meander
