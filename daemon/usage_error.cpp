#include "daemon/usage_error.hpp"

#include <CLI/App.hpp>
#include <string_view>
#include <vector>

#include "config/nearest_key.hpp"
#include "config/split.hpp"

namespace catwalk::daemon {

namespace {

std::string in_quotes(std::string_view text) {
  return "'" + std::string(text) + "'";
}

/// "a, b or c", with `last` for "or".
std::string listed(const std::vector<std::string>& words, const std::string& last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 < words.size() ? ", " : " " + last + " ") + words[i];
  return text;
}

/// The commands on the line from the root to the last one, which is where the error is.
std::vector<const CLI::App*> commands_given(const CLI::App& app) {
  std::vector<const CLI::App*> path{&app};
  for (auto given = app.get_subcommands(); !given.empty(); given = path.back()->get_subcommands())
    path.push_back(given.back());
  return path;
}

/// "catwalk sink migrate".
std::string name_of(const std::vector<const CLI::App*>& path) {
  std::string name;
  for (const auto* command : path) name += (name.empty() ? "" : " ") + command->get_name();
  return name;
}

std::vector<std::string> known_commands(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* one : command.get_subcommands([](const CLI::App*) { return true; }))
    if (!one->get_name().empty() && !one->get_group().empty()) names.push_back(one->get_name());
  return names;
}

/// An option group is a command without a name.
void add_options_of(const CLI::App& command, std::vector<std::string>& names) {
  for (const auto* option : command.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    for (const auto& name : option->get_snames()) names.push_back("-" + name);
  }
  for (const auto* group :
       command.get_subcommands([](const CLI::App* one) { return one->get_name().empty(); }))
    add_options_of(*group, names);
}

/// Where the word is near a known one: "; did you mean 'scrape'?".
std::string meant(std::string_view word, const std::vector<std::string>& known) {
  const auto near = config::nearest_key(word, known);
  return near.empty() ? "." : "; did you mean " + in_quotes(near) + "?";
}

std::string unknown_word(const std::vector<const CLI::App*>& path, const std::string& written) {
  const auto& command = *path.back();
  const auto where = path.size() > 1 ? " of " + in_quotes(name_of(path)) : std::string();
  if (written.starts_with('-')) {
    std::vector<std::string> known;
    for (const auto* one : path) add_options_of(*one, known);
    const auto option = written.substr(0, written.find('='));  // the value may be a secret
    return "unknown option " + in_quotes(option) + where + meant(option, known);
  }
  const auto commands = known_commands(command);
  if (!commands.empty()) return "unknown command " + in_quotes(written) + where + meant(written, commands);
  return in_quotes(written) + " is one argument too many for " + in_quotes(name_of(path)) + ".";
}

/// What an option takes: CLI11 writes the name of its type and then what its checks say, between colons
/// ("N:INT in [1 - 100]", "TEXT:{a,b}", "R:POSITIVE").
std::string expected_of(const CLI::Option& option, bool is_number) {
  const auto type = option.get_type_name();
  const auto parts = config::split(type, ':');
  const auto& name = parts.front();
  const auto& check = parts.back();
  if (check == "POSITIVE") return "a number above 0";
  if (const auto at = check.find(" in ["); at != std::string::npos && check.ends_with(']')) {
    auto range = check.substr(at + 5, check.size() - at - 6);
    if (const auto dash = range.find(" - "); dash != std::string::npos) range.replace(dash, 3, " to ");
    return "a whole number from " + range;
  }
  if (check.starts_with('{') && check.ends_with('}'))
    return listed(config::split(std::string_view(check).substr(1, check.size() - 2), ','), "or");
  if (is_number) return name == "N" || name == "INT" || name == "UINT" ? "a whole number" : "a number";
  return name.empty() ? "a value" : name;
}

/// The option that an error of CLI11 begins with; nullptr where it names none.
const CLI::Option* option_named_in(const std::vector<const CLI::App*>& path, std::string_view text) {
  constexpr std::string_view prefix = "Could not convert: ";
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  const std::string name(text.substr(0, text.find_first_of(" :")));
  for (auto command = path.rbegin(); command != path.rend(); ++command)
    if (const auto* option = (*command)->get_option_no_throw(name)) return option;
  return nullptr;
}

std::string wrong_value(const CLI::Option& option, bool is_number) {
  std::vector<std::string> given;
  for (const auto& value : option.results()) given.push_back(in_quotes(value));
  if (given.empty())
    return option.get_name() + " needs a value: " + expected_of(option, false) + " (" +
           option.get_description() + ").";
  const auto most = static_cast<std::size_t>(option.get_items_expected_max());
  const auto least = static_cast<std::size_t>(option.get_items_expected_min());
  const auto expected = given.size() > most    ? (most == 1 ? "one value" : std::to_string(most) + " values")
                        : given.size() < least ? std::to_string(least) + " values"
                                               : expected_of(option, is_number);
  const bool fits_none = is_number && given.size() == 1 &&
                         option.results().front().find_first_not_of("0123456789") == std::string::npos;
  if (fits_none) return option.get_name() + ": " + given.front() + " is too large a number.";
  return option.get_name() + ": expected " + expected + ", found " + listed(given, "and") + ".";
}

std::string missing(const std::vector<const CLI::App*>& path, const CLI::Option* option,
                    const std::string& text) {
  if (option != nullptr) {
    const auto& about = option->get_description();
    return option->get_name() + " is missing" + (about.empty() ? "" : " (" + about + ")") + ".";
  }
  // Of a group of options too many were given: "… from [--a,--b]".
  if (const auto from = text.find('['), to = text.find(']'); from != std::string::npos && to > from)
    return "only one of " +
           listed(config::split(std::string_view(text).substr(from + 1, to - from - 1), ','), "and") +
           " can be given.";
  if (path.size() == 1) return "no command given.";
  return "no command of " + in_quotes(name_of(path)) +
         " given: " + listed(known_commands(*path.back()), "or") + ".";
}

}  // namespace

std::string usage_error(const CLI::App& app, const CLI::ParseError& thrown) {
  const auto path = commands_given(app);
  // Not by its name: of some errors CLI11 makes that the command's.
  const auto kind = static_cast<CLI::ExitCodes>(thrown.get_exit_code());
  const std::string text = thrown.what();
  const auto extras = app.remaining(true);
  const auto* option = option_named_in(path, text);
  const bool lacks_command =
      kind == CLI::ExitCodes::RequiredError && option == nullptr && text.find('[') == std::string::npos;
  std::string words = text + ".";
  if (!extras.empty() && (kind == CLI::ExitCodes::ExtrasError || lacks_command))
    words = unknown_word(path, extras.front());
  else if (kind == CLI::ExitCodes::RequiredError)
    words = missing(path, option, text);
  else if (option != nullptr)
    words = wrong_value(*option, kind == CLI::ExitCodes::ConversionError);
  return words + " See " + in_quotes(name_of(path) + " --help");
}

}  // namespace catwalk::daemon
