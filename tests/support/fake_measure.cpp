#include "tests/support/fake_measure.hpp"
#include "pipeline/study_reader/study_reader.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

namespace meander::testing {

namespace {

class FakeMeasurement final : public Measurement {
 public:
  FakeMeasurement() {
    add({.name = "layer", .size = 3});
    const auto cost = [](double seconds) {
      ++cost_calls();
      return Cost{seconds, 8.0, 1};
    };
    const auto nothing = [](const Task&, Results&) {};
    add({.layout = {"", std::nullopt, true, {{.name = "length", .dimensions = {"layer"}}}},
         .cost = [cost](const Point& point) { return cost(point.number("width")); },
         .run = nothing});
    add({.layout = {"theory", std::vector<std::string>{"sigma_w"}, false, {{.name = "length_theory"}}},
         .cost = [cost](const Point&) { return cost(0.5); },
         .run = nothing});
  }
};

std::optional<std::string> is_law(const Value& value) {
  if (value.get_if<std::string>()) return std::nullopt;
  const auto* table = value.get_if<Table>();
  const Value* dof = table ? table->find("dof") : nullptr;
  if (!dof || !dof->is_number()) return "a law is a name or a table with dof";
  if (dof->number() <= 2) return "dof is " + dof->toml() + " (its variance is infinite) take more than 2";
  return std::nullopt;
}

class FakeMeasure : public Measure {
 public:
  std::string name() const override { return "fake"; }
  int version() const override { return 3; }
  std::string description() const override { return "A measure for tests"; }
  std::vector<Key> keys() const override {
    return {
        {.section = "sweep",
         .name = "width",
         .type = KeyType::integer,
         .default_value = 10,
         .sweepable = true,
         .minimum = 1},
        {.section = "sweep",
         .name = "widths",
         .type = KeyType::integers,
         .optional = true,
         .sweepable = true,
         .minimum = 1},
        {.section = "sweep", .name = "sigma_w", .type = KeyType::number, .sweepable = true, .minimum = 0},
        {.section = "sweep",
         .name = "sigma_b",
         .type = KeyType::number,
         .default_value = 0,
         .sweepable = true,
         .minimum = 0,
         .maximum = 10},
        {.section = "sweep",
         .name = "activation",
         .type = KeyType::any,
         .default_value = "relu",
         .sweepable = true,
         .choices = {"relu", "tanh", "hard_tanh"}},
        {.section = "sweep",
         .name = "weights",
         .type = KeyType::any,
         .default_value = "gaussian",
         .sweepable = true,
         .check = is_law},
        {.section = "input", .name = "dimension", .type = KeyType::integer, .default_value = 784, .minimum = 1},
        {.section = "input",
         .name = "q0",
         .type = KeyType::any,
         .default_value = 1,
         .sweepable = true,
         .minimum = 0,
         .minimum_exclusive = true},
        {.section = "input",
         .name = "images",
         .type = KeyType::file,
         .optional = true,
         .hint = "get it from example.org"},
        {.section = "input", .name = "noise", .type = KeyType::number, .optional = true, .sweepable = true},
        {.section = "curve",
         .name = "kind",
         .type = KeyType::string,
         .default_value = "circle",
         .choices = {"circle", "arc", "line"}},
        {.section = "curve", .name = "span", .type = KeyType::numbers, .optional = true},
        {.section = "curve", .name = "orthonormal", .type = KeyType::boolean, .default_value = true},
        {.section = "curve", .name = "samples", .type = KeyType::integer, .default_value = 1000, .minimum = 3},
        {.section = "fake", .name = "method", .type = KeyType::string, .default_value = "auto"},
    };
  }
  std::vector<ArraySpec> arrays() const override { return {}; }
  bool offers_single_precision() const override { return true; }
  std::unique_ptr<Measurement> bind(const Study& study, Diagnostics& diagnostics) const override {
    if (study.dimension("width") && study.dimension("widths")) {
      diagnostics.error(study.place("sweep.widths"), "width and widths exclude each other");
    }
    if (*study.setting("curve.samples") == Value(7)) diagnostics.warning(study.place("curve.samples"), "seven is few");
    return std::make_unique<FakeMeasurement>();
  }
};

class OtherMeasure final : public FakeMeasure {
 public:
  std::string name() const override { return "other"; }
};

}  // namespace

Catalogue fake_catalogue() {
  Catalogue catalogue;
  catalogue.add(std::make_unique<FakeMeasure>());
  catalogue.add(std::make_unique<OtherMeasure>());
  return catalogue;
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "meander-study-XXXXXX").string();
  if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder " + name);
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& text) const {
  std::string path = path_ + "/" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

Study read_text(const std::string& text, const std::vector<Override>& overrides) {
  const Folder folder;
  return read_study(folder.write("study.toml", text), overrides, fake_catalogue()).study;
}

std::string errors_of(const std::string& text, const std::vector<Override>& overrides) {
  const Folder folder;
  const std::string path = folder.write("study.toml", text);
  try {
    read_study(path, overrides, fake_catalogue());
  } catch (const BadInput& error) {
    std::string message = error.what();
    for (const std::string& part : {path + ": ", path + ":", folder.path() + "/"}) {
      for (std::size_t at = message.find(part); at != std::string::npos; at = message.find(part)) {
        message.erase(at, part.size());
      }
    }
    return message;
  }
  return "";
}

int& cost_calls() {
  static int calls = 0;
  return calls;
}

}  // namespace meander::testing
