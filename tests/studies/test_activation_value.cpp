// Activations and weight laws as study files write them.
#include "studies/networks/activation_value.hpp"

#include "kernels/gaussian_averages/gaussian_moments.hpp"

#include <gmock/gmock.h>

#include <string>

#include <numbers>

#include <cmath>
#include <vector>

namespace meander {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

Value table(std::initializer_list<std::pair<const char*, Value>> entries) {
  Table out;
  for (const auto& [key, value] : entries) out.set(key, value);
  return out;
}

TEST(ActivationValue, EveryNameIsAccepted) {
  for (const auto name : Activation::names()) {
    const Activation activation = activation_from(Value(std::string(name)));
    EXPECT_EQ(activation(0.7), Activation::named(name)(0.7)) << name;
  }
}

TEST(ActivationValue, Tables) {
  const Activation clipped =
      activation_from(table({{"breakpoints", List{-1, 1}}, {"slopes", List{0, 2.0, 0}}, {"value", List{0, 0.5}}}));
  ASSERT_NE(clipped.pieces(), nullptr);
  EXPECT_THAT(clipped.pieces()->breakpoints, ElementsAre(-1, 1));
  EXPECT_EQ(clipped(3), 2.5);
  const Activation series = activation_from(table({{"hermite", List{0, 1, 0.5}}}));
  EXPECT_NEAR(series(2), 2 + 0.5 * (4 - 1) / std::sqrt(2), 1e-14);
  EXPECT_EQ(activation_from(table({{"expression", "x * erf(x)"}}))(1.5), 1.5 * std::erf(1.5));
}

TEST(ActivationValue, NamesWithAParameter) {
  const Value leaky = table({{"activation", "leaky_relu"}, {"slope", 0.2}});
  EXPECT_EQ(activation_from(leaky)(-3), -3 * 0.2);
  ASSERT_NE(activation_from(leaky).pieces(), nullptr);
  EXPECT_EQ(activation_from(table({{"activation", "leaky_relu"}}))(-3), -3 * 0.01);
  EXPECT_DOUBLE_EQ(activation_from(table({{"activation", "elu"}, {"alpha", 0.5}}))(-2), 0.5 * std::expm1(-2.0));
  EXPECT_EQ(activation_from(table({{"activation", "silu"}}))(0.3), Activation::named("swish")(0.3));
  EXPECT_THAT(check_activation(table({{"activation", "elu"}, {"slope", 0.5}})),
              Optional(AllOf(HasSubstr("unknown key 'slope'"), HasSubstr("alpha"))));
  EXPECT_THAT(check_activation(table({{"activation", "tanh"}, {"slope", 0.5}})),
              Optional(AllOf(HasSubstr("unknown key 'slope'"), HasSubstr("no parameter"))));
  EXPECT_THAT(check_activation(table({{"activation", "elu"}, {"alpha", "much"}})),
              Optional(HasSubstr("finite numbers")));
  EXPECT_THAT(check_activation(table({{"activation", "eluu"}})), Optional(HasSubstr("did you mean \"elu\"?")));
  EXPECT_THAT(check_activation(table({{"activation", 1}})), Optional(HasSubstr("'activation' is no string")));
}

TEST(ActivationValue, TextsReadBackAsTheSameFunction) {
  std::vector<Activation> all{Activation::leaky_relu(0.3), Activation::elu(1.0 / 3.0),
                              Activation::piecewise_linear({-1e-7, 2.0}, {0.1, -3.0, 1e20}, 0.25, 1.0 / 7.0),
                              Activation::hermite({0.0, 1.0, -1.0 / 3.0})};
  for (const auto name : Activation::names()) all.push_back(Activation::named(name));
  for (const Activation& activation : all) {
    const Activation again = activation_from(activation_value(activation.text()));
    for (const double x : {-2.3, -0.1, 0.0, 0.4, 7.0}) EXPECT_EQ(again(x), activation(x)) << activation.text();
  }
}

TEST(ActivationValue, ANameIsALabelAndNothingElse) {
  const Value plain = table({{"activation", "leaky_relu"}, {"slope", 0.2}});
  const Value called = table({{"activation", "leaky_relu"}, {"slope", 0.2}, {"name", "leaky"}});
  EXPECT_EQ(called.label(), "leaky");
  EXPECT_EQ(plain.label(), plain.toml());
  EXPECT_EQ(called.canonical(), plain.canonical());
  EXPECT_EQ(activation_from(called).label(), "leaky");
  EXPECT_EQ(activation_from(called).text(), called.toml());
  EXPECT_EQ(activation_value(activation_from(called).text()), called);
  EXPECT_EQ(activation_from(plain).label(), plain.toml());
  for (const Value& other :
       {table({{"hermite", List{0, 1}}, {"name", "line"}}), table({{"expression", "x"}, {"name", "line"}}),
        table({{"breakpoints", List{}}, {"slopes", List{1}}, {"value", List{0, 0}}, {"name", "line"}})})
    EXPECT_EQ(activation_from(other).label(), "line");
  EXPECT_THAT(check_activation(table({{"hermite", List{0, 1}}, {"name", "relu"}})),
              Optional(HasSubstr("of that name exists already")));
  EXPECT_THAT(check_activation(table({{"hermite", List{0, 1}}, {"name", "silu"}})),
              Optional(HasSubstr("of that name exists already")));
  EXPECT_THAT(check_activation(table({{"hermite", List{0, 1}}, {"name", ""}})), Optional(HasSubstr("'name' is \"\"")));
  EXPECT_THAT(check_activation(table({{"hermite", List{0, 1}}, {"name", 3}})), Optional(HasSubstr("'name' is 3")));
}

TEST(ActivationValue, OneFunctionHasOneNameInAnArchive) {
  EXPECT_EQ(settled_activation("silu"), Value("swish"));
  EXPECT_EQ(settled_activation("hardtanh"), Value("hard_tanh"));
  EXPECT_EQ(settled_activation("relu"), Value("relu"));
  EXPECT_EQ(settled_activation(table({{"activation", "silu"}, {"name", "x"}})),
            table({{"activation", "swish"}, {"name", "x"}}));
  EXPECT_EQ(activation_from("hardtanh").text(), "hard_tanh");
}

TEST(ActivationValue, KinksOfAnExpressionAreKnown) {
  EXPECT_THAT(activation_from(table({{"expression", "max(x, 0)"}})).kinks(), Optional(ElementsAre(0.0)));
  EXPECT_TRUE(activation_from(table({{"expression", "abs(x)"}})).has_kinks());
  EXPECT_FALSE(activation_from(table({{"expression", "x * erf(x)"}})).has_kinks());
}

TEST(ActivationValue, TextOfAFileComesBack) {
  const Value pieces = table({{"breakpoints", List{0.5}}, {"slopes", List{0, 1}}, {"value", List{0, 0}}});
  EXPECT_EQ(activation_value(pieces.text()), pieces);
  EXPECT_EQ(activation_value("relu"), Value("relu"));
  const Value formula = table({{"expression", "x * (1 + erf(x))"}});
  EXPECT_EQ(activation_value(formula.text()), formula);
}

TEST(ActivationValue, MistakesAreNamed) {
  EXPECT_THAT(check_activation("hardtan"), Optional(AllOf(HasSubstr("\"hardtan\""), HasSubstr("\"hard_tanh\""))));
  EXPECT_THAT(check_activation("softplis"), Optional(HasSubstr("did you mean \"softplus\"?")));
  EXPECT_THAT(check_activation("leakyrelu"), Optional(HasSubstr("did you mean \"leaky_relu\"?")));
  EXPECT_THAT(check_activation(3.0), Optional(HasSubstr("3.0 is no activation")));
  EXPECT_THAT(check_activation(table({{"hermit", List{1}}})), Optional(HasSubstr("is no activation")));
  EXPECT_THAT(check_activation(table({{"hermite", List{}}})), Optional(HasSubstr("'hermite' is empty")));
  EXPECT_THAT(check_activation(table({{"hermite", List{"x"}}})), Optional(HasSubstr("finite numbers")));
  EXPECT_THAT(check_activation(table({{"hermite", List{1}}, {"order", 2}})),
              Optional(HasSubstr("unknown key 'order'")));
  EXPECT_THAT(check_activation(table({{"slopes", List{0, 1}}, {"value", List{0, 0}}})),
              Optional(HasSubstr("'breakpoints' is missing")));
  EXPECT_THAT(check_activation(table({{"breakpoints", List{0}}, {"slopes", List{0, 1, 2}}, {"value", List{0, 0}}})),
              Optional(testing::Not("")));
  EXPECT_THAT(check_activation(table({{"breakpoints", List{0}}, {"slopes", List{0, 1}}, {"value", List{0}}})),
              Optional(HasSubstr("'value' has 1 numbers")));
  EXPECT_THAT(check_activation(table({{"expression", "x +"}})), Optional(HasSubstr("incomplete at position")));
  EXPECT_EQ(check_activation("gelu"), std::nullopt);
}

TEST(WeightLawValue, AllLaws) {
  using Kind = WeightLaw::Kind;
  EXPECT_EQ(weight_law_from("gaussian").kind, Kind::gaussian);
  EXPECT_EQ(weight_law_from("orthogonal").kind, Kind::orthogonal);
  EXPECT_EQ(weight_law_from("uniform").kind, Kind::uniform);
  EXPECT_EQ(weight_law_from("rademacher").kind, Kind::rademacher);
  EXPECT_EQ(weight_law_from(table({{"law", "uniform"}})).kind, Kind::uniform);
  const WeightLaw student = weight_law_from(table({{"law", "student_t"}, {"dof", 4}}));
  EXPECT_EQ(student.kind, Kind::student_t);
  EXPECT_EQ(student.parameter, 4.0);
  EXPECT_EQ(weight_law_from(table({{"law", "sparse"}, {"density", 0.1}})).parameter, 0.1);
}

TEST(WeightLawValue, MistakesAreNamed) {
  EXPECT_THAT(check_weight_law("gausian"), Optional(HasSubstr("did you mean \"gaussian\"")));
  EXPECT_THAT(check_weight_law(table({{"law", "student_t"}, {"dof", 2}})), Optional(HasSubstr("dof > 2")));
  EXPECT_THAT(check_weight_law(table({{"law", "student_t"}})), Optional(HasSubstr("'dof' is missing")));
  EXPECT_THAT(check_weight_law(table({{"law", "sparse"}, {"density", 0}})), Optional(HasSubstr("0 < density <= 1")));
  EXPECT_THAT(check_weight_law(table({{"law", "sparse"}, {"density", 1.5}})), Optional(HasSubstr("density = 1.5")));
  EXPECT_THAT(check_weight_law(table({{"law", "gaussian"}, {"dof", 4}})), Optional(HasSubstr("unknown key 'dof'")));
  EXPECT_THAT(check_weight_law(table({{"dof", 4}})), Optional(HasSubstr("'law' is missing")));
  EXPECT_THAT(check_weight_law(1.0), Optional(HasSubstr("no weight distribution")));
}

/// With phi(x) = x + g(x), g = A exp(-((x - m) / w)^2) and h ~ N(0, q), E phi'^2 = 1 + 2 E g' + E g'^2 in closed form.
TEST(ActivationValue, AveragesSeeASpikeOfAHundredth) {
  const Activation spike = activation_from(activation_value("{ expression = \"x+0.5*exp(-((x-1.15)/0.01)^2)\" }"));
  const double A = 0.5, m = 1.15, w = 0.01;
  for (const double q : {0.3, 1.0, 4.0}) {
    // The product of both Gaussians is one of variance s and mean c.
    const double v = 0.5 * w * w, s = 1 / (1 / q + 1 / v), c = s * m / v;
    const double mean = A * std::sqrt(v / (v + q)) * std::exp(-0.5 * m * m / (v + q));
    const double slope = -2 / (w * w) * mean * (c - m);
    const double v2 = 0.25 * w * w, s2 = 1 / (1 / q + 1 / v2), c2 = s2 * m / v2;
    const double mean2 = A * A * std::sqrt(v2 / (v2 + q)) * std::exp(-0.5 * m * m / (v2 + q));
    const double slope2 = 4 / std::pow(w, 4) * mean2 * (s2 + (c2 - m) * (c2 - m));
    const double expected = 1 + 2 * slope + slope2;
    EXPECT_NEAR(gaussian_moments(spike, q).dphi2, expected, 1e-11 * expected) << q;
  }
}

/// E phi'^2 of tanh(500 (x - 2.3)): 500^2 E sech^4, whose integral is 4/3 / 500 where the density is 1; the density's
/// curvature adds (pi^2 - 6) / 18 / 500^2 of its second derivative's share (integral of x^2 sech^4 over that of sech^4,
/// halved: pi^2 / 24 - 1 / 4).
TEST(ActivationValue, AveragesSeeASteepSlope) {
  const Activation steep = activation_from(activation_value("{ expression = \"tanh(500*(x-2.3))\" }"));
  const double q = 1.0, m = 2.3, k = 500;
  const double density = std::exp(-0.5 * m * m / q) / std::sqrt(2 * std::numbers::pi * q);
  const double bend = (m * m / q - 1) / q;  // density'' over density
  const double second_moment = std::numbers::pi * std::numbers::pi / 12 - 0.5;
  const double expected = k * 4.0 / 3.0 * density * (1 + 0.5 * bend * second_moment / (k * k));
  EXPECT_NEAR(gaussian_moments(steep, q).dphi2, expected, 1e-10 * expected);
}

TEST(ActivationValue, KinksAndScaleMayBeDeclaredAndStay) {
  const std::string fast = "{ expression = \"sin(1000000*x)\" }";
  EXPECT_THAT(check_activation(activation_value(fast)).value_or(""), testing::HasSubstr("declare"));
  const std::string text = "{ expression = \"sin(1000000*x)\", kinks = [], scale = 1e-06 }";
  const Activation declared = activation_from(activation_value(text));
  EXPECT_EQ(activation_from(activation_value(declared.text())).features(), declared.features());
  EXPECT_THAT(declared.text(), testing::HasSubstr("scale"));
  const Activation kinked = activation_from(activation_value("{ expression = \"tanh(x)\", kinks = [0.3] }"));
  EXPECT_THAT(*kinked.kinks(), testing::ElementsAre(0.3));
  EXPECT_THAT(check_activation(activation_value("{ expression = \"x\", kinks = [1, 0] }")).value_or(""),
              testing::HasSubstr("ascend"));
  EXPECT_THAT(check_activation(activation_value("{ expression = \"x\", scale = 0 }")).value_or(""),
              testing::HasSubstr("'scale' is 0"));
}

}  // namespace
}  // namespace meander
