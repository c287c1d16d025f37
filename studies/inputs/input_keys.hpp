// The keys of inputs: points and the curve through them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "studies/declare/declaration.hpp"

namespace meander {

template <>
constexpr std::array<std::string_view, 3> choice_names<CurveKind>{"line", "circle", "arc"};

/// What a study says of the mean square of an input's components.
struct MeanSquare {
  double number = 1.0;
  /// Instead of the number: such that layer 1 starts at q*.
  bool fixed_point = false;
};

template <>
struct KeyTraits<MeanSquare> {
  static constexpr KeyType type = KeyType::any;
  static void complete(Key& key);
  static MeanSquare decode(const Value& value);
};

/// [input] dimension, images, labels, q0.
struct InputKeys {
  struct Wanted {
    bool images = true;
    bool labels = true;
    /// Where they mean something else than usual.
    std::string dimension_description = {};
    std::string images_description = {};
    std::string q0_description = {};
  };
  InputKeys(Declaration& declare, const Wanted& wanted);

  std::optional<int> dimension;
  const StudyFile* images = nullptr;
  const StudyFile* labels = nullptr;
  Parameter<MeanSquare> q0;
};

/// InputKeys of single points: images without labels.
InputKeys::Wanted points_wanted();

/// [curve] kind, span, orthonormal, samples, pair, classes, file.
struct CurveKeys {
  explicit CurveKeys(Declaration& declare);

  std::optional<CurveKind> kind;
  std::optional<std::vector<double>> span;
  std::optional<bool> orthonormal;
  Parameter<long> samples;
  std::optional<std::vector<int>> pair, classes;
  const StudyFile* file = nullptr;
};

}  // namespace meander
