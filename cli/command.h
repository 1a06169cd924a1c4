/// A subcommand is a value: its help, its examples, its completion and its reference page come from it.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mq::cli {

/// What a shell may offer for a value.
enum class Completes { nothing, files, folders, presets };

/// "--set KEY=VALUE", or a switch if `value` is empty.
struct Option {
  std::string_view name;   ///< "--set"
  std::string_view value;  ///< how the help names its value
  std::string_view sentence;
  std::string_view short_name = {};  ///< "-q"
  std::vector<std::string> choices = {};
  bool is_repeatable = false;
  Completes completes = Completes::nothing;
};

/// An argument without a name of its own.
struct Operand {
  enum class Count { one, at_most_one, any, at_least_one };

  std::string_view name;  ///< "CONFIG"
  std::string_view sentence;
  Count count = Count::one;
  std::vector<std::string> choices = {};
  Completes completes = Completes::nothing;
};

/// What stood on the command line, by the names of options and operands.
class Arguments {
 public:
  bool has(std::string_view name) const;
  /// The value, or `fallback` if it was not given.
  std::string text(std::string_view name, std::string_view fallback = {}) const;
  /// Throws ConfigError unless it is a whole number in [low, high].
  int integer(std::string_view name, int low, int high, int fallback) const;
  /// Values in the order given.
  std::vector<std::string> all(std::string_view name) const;

  void add(std::string_view name, std::string value);

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// Where a command runs.
struct Context {
  std::ostream& out;                    ///< results
  std::ostream& err;                    ///< messages and progress
  std::vector<std::string> words = {};  ///< the command line, program included
};

struct Command {
  std::string_view name;
  std::string_view summary;  ///< one sentence
  std::string_view details;  ///< paragraphs of plain text; may be empty
  std::vector<Operand> operands = {};
  std::vector<Option> options = {};
  std::vector<std::string_view> examples = {};  ///< shell lines; they work one after the other, in a checkout
  /// Returns the exit code; throws mq::Error.
  std::function<int(const Arguments&, Context&)> run = {};
  bool is_hidden = false;  ///< works, but no help mentions it
};

/// All commands, in the order of the help.
const std::vector<Command>& commands();
/// Throws ConfigError with the nearest name.
const Command& find_command(std::string_view name);

Command run_command();
Command sweep_command();
Command show_command();
Command describe_command();
Command presets_command();
Command data_command();
Command fit_command();
Command synthesize_command();
Command report_command();
Command netlist_command();
Command inspect_command();
Command doctor_command();
Command completion_command();
Command docs_reference_command();
Command docs_gallery_command();
Command docs_accuracy_command();

/// The switch that most commands have.
Option json_option();

}  // namespace mq::cli
