#pragma once
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace catwalk::daemon {

/// One option of a command.
struct command_option {
  std::vector<std::string> names;  ///< "--limit", "-k"; empty: a positional
  std::string value;               ///< what stands for its value ("N"); empty: a flag
  std::string about;
};

/// A command, with those under it: what completions and the manual page are made from.
struct command_node {
  std::string name;
  std::string group;  ///< of `--help`
  std::string about;
  std::string footer;
  std::vector<command_option> options;
  std::vector<command_node> commands;
};

/// What is visible of the command line; options that every command takes stand at the root alone.
command_node command_tree(const CLI::App& app);

/// A completion script for `bash`, `zsh` or `fish`.
std::string completion_script(const command_node& root, const std::string& shell);

/// The manual page `catwalk(1)`, in the man macros of roff.
std::string manual_page(const command_node& root);

}  // namespace catwalk::daemon
