#include <spdlog/fmt/fmt.h>

#include "daemon/command_tree.hpp"

namespace catwalk::daemon {

namespace {

/// Text as roff takes it: no line begins with a control character, hyphens stay hyphens.
std::string roff(std::string_view text) {
  std::string out;
  bool at_start = true;
  for (const char c : text) {
    if (at_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
    at_start = c == '\n';
  }
  return out;
}

std::string option_lines(const std::vector<command_option>& options) {
  std::string out;
  for (const auto& option : options) {
    std::string names;
    for (const auto& name : option.names)
      names += (names.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR");
    if (!option.value.empty()) names += (names.empty() ? "" : " ") + ("\\fI" + roff(option.value) + "\\fR");
    out += ".TP\n" + names + "\n" + roff(option.about) + "\n";
  }
  return out;
}

void add_command(const command_node& node, const std::string& path, std::string& out) {
  if (node.commands.empty()) {
    out += fmt::format(".SS {}\n{}.\n", roff(path), roff(node.about));
    out += option_lines(node.options);
    if (!node.footer.empty()) out += ".PP\n" + roff(node.footer) + "\n";
  }
  for (const auto& command : node.commands) add_command(command, path + " " + command.name, out);
}

}  // namespace

std::string manual_page(const command_node& root) {
  std::string out = fmt::format(".TH CATWALK 1 \"\" \"catwalk {}\" \"User commands\"\n", CATWALK_VERSION);
  out += fmt::format(".SH NAME\n{} \\- a fashion catalogue and its image vectors\n", root.name);
  out +=
      fmt::format(".SH SYNOPSIS\n.B {}\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n", root.name);
  out += ".SH DESCRIPTION\n" + roff(root.about) + "\n";
  out += ".SH OPTIONS\nEvery command takes these.\n" + option_lines(root.options);
  out += ".SH COMMANDS\n";
  for (const auto& command : root.commands) add_command(command, root.name + " " + command.name, out);
  out += ".SH NOTES\n" + roff(root.footer) + "\n";
  out +=
      ".SH FILES\n.TP\n/etc/catwalk/catwalk.yaml\nThe configuration.\n.TP\n/etc/catwalk/credentials/\n"
      "Secrets, one to a file.\n.TP\n/var/lib/catwalk\nThe state.\n.TP\n/run/catwalk/catwalk.sock\n"
      "The way to the daemon for members of the group catwalk.\n";
  return out;
}

}  // namespace catwalk::daemon
