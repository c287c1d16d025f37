// A network file as a table: one line a layer, with the number that measures give it.
#include "studies/networks/show_network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <filesystem>
#include <optional>

#include "pipeline/files/regular_file.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/printing.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

std::string pair_text(const Extents& extents) {
  return fmt::format("{} x {}", extents.rows, extents.columns);
}

std::string padding_text(const Padding& p) {
  return p == Padding() ? "" : fmt::format(", padding {} {} {} {}", p.top, p.bottom, p.left, p.right);
}

/// What a kind says of itself besides its shapes.
struct Details {
  std::string operator()(const Convolution& f) const {
    std::string text = "kernel " + pair_text(f.kernel);
    if (f.stride != Extents()) text += ", stride " + pair_text(f.stride);
    if (f.dilation != Extents()) text += ", dilation " + pair_text(f.dilation);
    text += padding_text(f.padding);
    return f.groups == 1 ? text : text + fmt::format(", groups {}", f.groups);
  }
  std::string operator()(const AveragePool& pool) const { return of_pool(pool); }
  std::string operator()(const MaxPool& pool) const { return of_pool(pool); }
  std::string operator()(const Add& add) const {
    return add.from < 0 ? "the input" : "layer " + std::to_string(add.from);
  }
  template <class Other>
  std::string operator()(const Other&) const {
    return "";
  }

 private:
  template <class Pool>
  static std::string of_pool(const Pool& pool) {
    return fmt::format("window {}, stride {}{}", pair_text(pool.window), pair_text(pool.stride),
                       padding_text(pool.padding));
  }
};

std::size_t parameters_of(const NetworkLayer& layer) {
  if (const auto* scale = std::get_if<ScaleShift>(&layer.kind)) return 2 * scale->scale.size();
  if (!has_weights(layer.kind)) return 0;
  const auto outputs = static_cast<std::size_t>(layer.output.front());
  return outputs * (fan_in_of(layer.kind, layer.input) + 1);
}

void print_layers(const StoredNetwork& network) {
  print_output("\nlayers: entry of the file, layer as measures count it\n");
  print_output("  {:>5} {:>5}  {:<13} {:<17} {:<14} {:>10}\n", "entry", "layer", "kind", "output", "activation",
               "parameters");
  int number = 0;
  for (std::size_t i = 0; i < network.layers().size(); ++i) {
    const NetworkLayer& layer = network.layers()[i];
    if (has_weights(layer.kind)) ++number;
    const std::string details = std::visit(Details(), layer.kind);
    print_output("  {:>5} {:>5}  {:<13} {:<17} {:<14} {:>10}{}\n", i, number == 0 ? "-" : std::to_string(number),
                 kind_name(layer.kind), shape_text(layer.output), layer.activation ? layer.activation->text : "-",
                 parameters_of(layer), details.empty() ? "" : "  " + details);
  }
}

void print_network(const StoredNetwork& network, const NamedArrays& arrays) {
  std::size_t parameters = 0;
  for (const NetworkLayer& layer : network.layers()) parameters += parameters_of(layer);
  print_output("  network   {} layer{} with weights, {} parameters\n", network.depth(), network.depth() == 1 ? "" : "s",
               parameters);
  print_output("  input     {}\n", shape_text(network.input_shape()));
  print_output("  output    {}\n", shape_text(network.output_shape()));
  if (network.readout_outputs() > 0) print_output("  readout   {} outputs\n", network.readout_outputs());
  if (const auto source = arrays.texts.find("source"); source != arrays.texts.end()) {
    print_output("  source    {}\n", source->second);
  }
  print_layers(network);
}

bool has_network(const NamedArrays& arrays) {
  const auto inside = [](const std::string& path) { return path.starts_with("/layers/"); };
  for (const auto& [path, array] : arrays.arrays) {
    if (inside(path)) return true;
  }
  for (const std::string& group : arrays.groups) {
    if (inside(group)) return true;
  }
  for (const auto& [path, message] : arrays.others) {
    if (inside(path + "/")) return true;  // a link to nothing, for instance
  }
  return false;
}

}  // namespace

bool show_network(const std::string& path) {
  if (const auto problem = regular_file_problem(path)) {
    // What is a folder, or is not there, may be something else that can be shown.
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored) || std::filesystem::is_directory(path, ignored)) return false;
    throw BadInput(path + ": error: cannot be shown (" + *problem + ")");
  }
  if (filetype_of(path) != "meander_network") return false;
  std::string problem;
  const auto bytes = read_regular_file(path, problem);
  if (!bytes) throw BadInput(path + ": error: cannot be read (" + problem + ")");
  if (const auto refused = try_arrays(*bytes, path)) throw BadInput(*refused);
  const NamedArrays arrays = read_arrays(*bytes, path);
  const auto network = has_network(arrays) ? std::optional(network_from(arrays, path)) : std::nullopt;
  std::string others;
  for (const auto& [name, array] : arrays.arrays) {
    if (name.starts_with("/layers/") || name.starts_with("/readout/")) continue;
    others += fmt::format("  {:<26} ({})\n", name, fmt::join(array.shape, ", "));
  }
  print_output("{}\n", path);
  if (network) {
    print_network(*network, arrays);
  } else {
    print_output("  network   none\n");
  }
  if (!others.empty()) print_output("\nother arrays\n{}", others);
  return true;
}

}  // namespace meander
