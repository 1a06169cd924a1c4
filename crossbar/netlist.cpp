#include "meltquench/crossbar/netlist.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "meltquench/core/error.h"

namespace mq {
namespace {

/// One line of a crossbar with its terminal: `first` and `last` are from the cells at its ends to the
/// terminal.
class NetlistLine {
 public:
  NetlistLine(const WireLine& line, char letter, std::size_t number, std::size_t cells, std::string terminal)
      : line_(line),
        name_(fmt::format("{}{}", letter, number)),
        cells_(cells),
        terminal_(std::move(terminal)) {}

  /// The node where the line meets its cell k. What no resistance separates is one node.
  std::string node(std::size_t k) const {
    const bool is_joined = line_.segment == 0.0;
    if (line_.first == 0.0 && (k == 0 || is_joined)) return terminal_;
    if (line_.last == 0.0 && (k + 1 == cells_ || is_joined)) return terminal_;
    return is_joined ? name_ : fmt::format("{}_{}", name_, k);
  }

  void write(std::string& text) const {
    write_resistor(text, "first", terminal_, node(0), line_.first);
    for (std::size_t k = 0; k + 1 < cells_ && line_.segment > 0.0; ++k) {
      write_resistor(text, fmt::format("{}", k), node(k), node(k + 1), line_.segment);
    }
    write_resistor(text, "last", node(cells_ - 1), terminal_, line_.last);
  }

 private:
  void write_resistor(std::string& text, const std::string& place, const std::string& from,
                      const std::string& to, double r) const {
    if (from == to || r == WireLine::kOpen) return;
    fmt::format_to(std::back_inserter(text), "R{}_{} {} {} {}\n", name_, place, from, to, r);
  }

  WireLine line_;
  std::string name_;
  std::size_t cells_;
  std::string terminal_;
};

/// The current of a cell between nodes a and b as an expression of ngspice.
std::string current_expression(const CurrentParams& p, double g, const std::string& a, const std::string& b) {
  const std::string v = fmt::format("v({},{})", a, b);
  std::string text;
  if (p.law == CurrentKind::polynomial) {
    const auto law = PolynomialLaw<double>::of(p, g);
    text = fmt::format("{0}*({1}+{0}*({2}+{0}*({3})))", v, g, law.n2, law.n3);
  } else if (p.law == CurrentKind::sinh) {
    text = fmt::format("{}*sinh({}/{})", g * p.sinh_voltage, v, p.sinh_voltage);
  } else {
    text = fmt::format("{}*{}", g, v);
  }
  if (p.negative_factor != 1.0) text = fmt::format("({} < 0 ? {} : 1)*({})", v, p.negative_factor, text);
  return text;
}

void write_cell(std::string& text, const CurrentParams& p, double g, const std::string& place,
                const std::string& from, const std::string& to) {
  const auto out = std::back_inserter(text);
  if (p.is_linear()) {
    fmt::format_to(out, "Rc{} {} {} {}\n", place, from, to, 1.0 / linear_conductance(p, g));
    return;
  }
  const bool has_access = p.access_resistance > 0.0;
  const std::string inner = has_access ? "x" + place : to;
  fmt::format_to(out, "Bc{} {} {} I={}\n", place, from, inner, current_expression(p, g, from, inner));
  if (!has_access) return;
  if (p.access_saturation > 0.0) {
    fmt::format_to(out, "Ba{0} {1} {2} I={3}*tanh(v({1},{2})/{4})\n", place, inner, to, p.access_saturation,
                   p.access_saturation * p.access_resistance);
  } else {
    fmt::format_to(out, "Ra{} {} {} {}\n", place, inner, to, p.access_resistance);
  }
}

void check(const NetlistCells& cells, std::size_t inputs, const char* what) {
  check_fields(cells.current, "current");
  if (cells.g.size() == 0) throw ShapeError("an array without cells has no netlist");
  if (inputs != cells.g.columns) {
    throw ShapeError(
        fmt::format("there are {} {} for {} inputs; give one for each", inputs, what, cells.g.columns));
  }
  const auto is_passive = [](float g) { return g >= 0.0f && std::isfinite(g); };
  if (!std::all_of(cells.g.data, cells.g.data + cells.g.size(), is_passive)) {
    throw ConfigError("a conductance is negative or no finite number; cells are passive");
  }
}

std::string head(const NetlistCells& cells, const char* topology) {
  std::string text =
      fmt::format("* crossbar array [{0} outputs, {1} inputs]: {1} word lines, {0} bit lines, {2}\n",
                  cells.g.rows, cells.g.columns, topology);
  std::string comment = cells.description;
  std::replace(comment.begin(), comment.end(), '\n', ' ');
  if (!comment.empty()) text += "* " + comment + "\n";
  return text +
         "* Units: V, A, Ohm. Cell (o, i) is Rc<o>_<i> or Bc<o>_<i>, [outputs, inputs]; what conducts "
         "nothing is "
         "left out.\n"
         "* Nodes: w<i>_<o> word line i at output o, b<o>_<i> bit line o at input i, s<o>_<i> source line "
         "beside it, "
         "x<o>_<i> between a cell and its access device.\n"
         "* Outputs: i(vout<o>), positive out of the array into its virtual ground.\n"
         ".options gmin=1e-15 reltol=1e-9 abstol=1e-16 vntol=1e-13\n";
}

/// The virtual grounds, and what is computed and printed.
std::string tail(std::size_t outputs) {
  std::string text = "* virtual grounds\n";
  for (std::size_t o = 0; o < outputs; ++o) text += fmt::format("Vout{0} out{0} 0 0\n", o);
  text += ".control\nset numdgt=15\nop\n";
  for (std::size_t o = 0; o < outputs; ++o) text += fmt::format("print i(vout{})\n", o);
  return text + "if $?batchmode\nquit\nend\n.endc\n.end\n";
}

NetlistLine bit_line(const WireLine& line, std::size_t output, std::size_t inputs) {
  return {line, 'b', output, inputs, fmt::format("out{}", output)};
}

}  // namespace

std::string netlist(const WireNetwork& network, const NetlistCells& cells, std::span<const double> volts) {
  check(cells, volts.size(), "voltages");
  if (!std::all_of(volts.begin(), volts.end(), [](double v) { return std::isfinite(v); })) {
    throw ConfigError("an input voltage is no finite number");
  }
  const std::size_t outputs = cells.g.rows, inputs = cells.g.columns;
  std::string text = head(cells, "inputs drive the word lines") + "* inputs\n";
  for (std::size_t i = 0; i < inputs; ++i) text += fmt::format("Vin{0} in{0} 0 {1}\n", i, volts[i]);
  std::vector<NetlistLine> words;
  for (std::size_t i = 0; i < inputs; ++i) {
    words.emplace_back(network.word, 'w', i, outputs, fmt::format("in{}", i));
  }
  text += "* word lines\n";
  for (const NetlistLine& word : words) word.write(text);
  text += "* bit lines\n";
  for (std::size_t o = 0; o < outputs; ++o) bit_line(network.bit, o, inputs).write(text);
  text += "* cells\n";
  for (std::size_t o = 0; o < outputs; ++o) {
    const NetlistLine bit = bit_line(network.bit, o, inputs);
    for (std::size_t i = 0; i < inputs; ++i) {
      if (cells.g(o, i) == 0.0f) continue;
      write_cell(text, cells.current, cells.g(o, i), fmt::format("{}_{}", o, i), words[i].node(o),
                 bit.node(i));
    }
  }
  return text + tail(outputs);
}

std::string netlist(const GatedNetwork& network, const NetlistCells& cells, double v_source,
                    std::span<const std::uint8_t> gates) {
  check(cells, gates.size(), "gates");
  if (!std::isfinite(v_source)) throw ConfigError("the voltage of the source lines must be a finite number");
  const std::size_t outputs = cells.g.rows, inputs = cells.g.columns;
  std::string text = head(cells, "inputs open transistors") + "* inputs, 0: closed, 1: open";
  for (std::size_t i = 0; i < inputs; ++i) {
    if (i % 32 == 0) text += "\n*";
    text += gates[i] != 0 ? " 1" : " 0";
  }
  text += fmt::format("\nVsource source 0 {}\n", v_source);
  for (std::size_t o = 0; o < outputs; ++o) {
    const NetlistLine source(network.source, 's', o, inputs, "source");
    const NetlistLine bit = bit_line(network.bit, o, inputs);
    text += fmt::format("* output {}: source line, bit line, cells\n", o);
    source.write(text);
    bit.write(text);
    for (std::size_t i = 0; i < inputs; ++i) {
      if (gates[i] == 0 || cells.g(o, i) == 0.0f) continue;
      write_cell(text, cells.current, cells.g(o, i), fmt::format("{}_{}", o, i), source.node(i), bit.node(i));
    }
  }
  return text + tail(outputs);
}

}  // namespace mq
