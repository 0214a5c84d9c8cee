#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>

#include "daemon/command_tree.hpp"

namespace catwalk::daemon {

namespace {

/// A text in single quotes, for every one of the three shells.
std::string shell_word(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c == '\n' ? ' ' : c;
  }
  return out + "'";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

/// What is completed of an option: its long names, or its short one where it has none.
std::vector<std::string> completed_names(const command_option& option) {
  std::vector<std::string> names;
  std::copy_if(option.names.begin(), option.names.end(), std::back_inserter(names),
               [](const std::string& name) { return name.starts_with("--"); });
  return names.empty() ? option.names : names;
}

/// The words that may follow a command: the commands under it, then its options and those of the root.
std::vector<std::string> words_after(const command_node& node, const command_node& root) {
  std::vector<std::string> words;
  for (const auto& command : node.commands) words.push_back(command.name);
  for (const auto* of : {&node, &root}) {
    for (const auto& option : of->options)
      for (const auto& name : completed_names(option))
        if (std::find(words.begin(), words.end(), name) == words.end()) words.push_back(name);
    if (of == &root || &node == &root) break;
  }
  return words;
}

/// Calls `visit(path, node)` for the root ("") and every command under it ("state backup").
template <class Visit>
void walk(const command_node& node, const std::string& path, const Visit& visit) {
  visit(path, node);
  for (const auto& command : node.commands)
    walk(command, path.empty() ? command.name : path + " " + command.name, visit);
}

std::string bash(const command_node& root) {
  std::string cases, commands;
  walk(root, "", [&](const std::string& path, const command_node& node) {
    cases +=
        fmt::format("    {}) words={} ;;\n", shell_word(path), shell_word(joined(words_after(node, root))));
    if (!path.empty()) commands += fmt::format("{}{}", commands.empty() ? "" : "|", shell_word(path));
  });
  return fmt::format(R"(# bash completion for {0}; `{0} completion bash` prints it
_{0}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} route= word words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "${{route:+$route }}$word" in
      {1}) route=${{route:+$route }}$word ;;
    esac
  done
  case $route in
{2}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ ${{#COMPREPLY[@]}} -gt 0 || $current == -* ]] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -o filenames -F _{0} {0}
)",
                     root.name, commands, cases);
}

std::string zsh(const command_node& root) {
  std::string cases;
  walk(root, "", [&](const std::string& path, const command_node& node) {
    std::string entries;
    const auto add = [&](const std::string& word, const std::string& about) {
      std::string entry = word + ":";
      for (const char c : about) entry += c == ':' ? std::string("\\:") : std::string(1, c);
      entries += ' ';
      entries += shell_word(entry);
    };
    for (const auto& command : node.commands) add(command.name, command.about);
    for (const auto& option : node.options)
      for (const auto& name : completed_names(option)) add(name, option.about);
    cases +=
        fmt::format("    {}) entries=({}) ;;\n", shell_word(path), entries.empty() ? "" : entries.substr(1));
  });
  return fmt::format(R"(#compdef {0}
# zsh completion for {0}; `{0} completion zsh` prints it
_{0}() {{
  local -a entries
  local route= word
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    [[ $word == -* ]] || route=${{route:+$route }}$word
  done
  case $route in
{1}  esac
  _describe 'command' entries || _files
}}
_{0} "$@"
)",
                     root.name, cases);
}

std::string fish(const command_node& root) {
  std::string out = fmt::format("# fish completion for {0}; `{0} completion fish` prints it\n", root.name);
  walk(root, "", [&](const std::string& path, const command_node& node) {
    std::string condition = "__fish_use_subcommand";
    if (!path.empty()) {
      condition.clear();
      for (std::size_t at = 0; at < path.size();) {
        const auto end = std::min(path.find(' ', at), path.size());
        condition += (condition.empty() ? "" : "; and ") +
                     ("__fish_seen_subcommand_from " + path.substr(at, end - at));
        at = end + 1;
      }
    }
    for (const auto& command : node.commands)
      out += fmt::format("complete -c {} -n {} -a {} -d {}\n", root.name, shell_word(condition), command.name,
                         shell_word(command.about));
    for (const auto& option : node.options) {
      if (option.names.empty()) continue;
      out += fmt::format("complete -c {}", root.name);
      if (!path.empty()) out += " -n " + shell_word(condition);
      for (const auto& name : option.names)
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      out += fmt::format("{} -d {}\n", option.value.empty() ? "" : " -r", shell_word(option.about));
    }
  });
  return out;
}

}  // namespace

std::string completion_script(const command_node& root, const std::string& shell) {
  return shell == "bash" ? bash(root) : shell == "zsh" ? zsh(root) : fish(root);
}

}  // namespace catwalk::daemon
