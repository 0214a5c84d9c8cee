#include "daemon/command_tree.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "tests/support/catch.hpp"

using namespace catwalk::daemon;

namespace {

command_node tree() {
  static CLI::App app("Keeps things. It's fine.", "catwalk");
  static bool made = false;
  if (!made) {
    made = true;
    static std::string text;
    static bool flag;
    app.add_option("--config", text, "The file")->type_name("FILE");
    auto* state = app.add_subcommand("state", "The state: all of it")->group("Service");
    auto* backup = state->add_subcommand("backup", "Copy it");
    backup->add_option("FILE", text, "Where to");
    backup->add_flag("--force,-f", flag, "Don't ask");
    backup->add_flag("--hidden", flag)->group("");
    auto* which = backup->add_option_group("which files");
    which->add_flag("--all", flag, "Every one");
    which->add_option("-k", text, "So many");
    backup->footer(".dots are no commands");
    app.add_subcommand("secret", "Nobody sees it")->group("");
  }
  return command_tree(app);
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the tree holds what is visible") {
  const auto root = tree();
  REQUIRE(root.commands.size() == 1);
  const auto& backup = root.commands[0].commands.at(0);
  CHECK(backup.name == "backup");
  std::vector<std::string> names;
  for (const auto& option : backup.options)
    for (const auto& name : option.names) names.push_back(name);
  CHECK(std::find(names.begin(), names.end(), "--force") != names.end());
  CHECK(std::find(names.begin(), names.end(), "--hidden") == names.end());
  // An option group is no command.
  CHECK(backup.commands.empty());
  CHECK(std::find(names.begin(), names.end(), "--all") != names.end());
}

TEST_CASE("completions hold every command and option, quoted") {
  const auto root = tree();
  const auto bash = completion_script(root, "bash");
  has(bash, "'state') words='backup");
  has(bash, "'state backup') words='--help --force --all -k --config'");
  const auto zsh = completion_script(root, "zsh");
  has(zsh, "#compdef catwalk");
  has(zsh, "'state:The state\\: all of it'");
  has(zsh, "'--force:Don'\\''t ask'");
  has(zsh, "'-k:So many'");
  const auto fish = completion_script(root, "fish");
  has(fish, "complete -c catwalk -n '__fish_use_subcommand' -a state");
  has(fish, "__fish_seen_subcommand_from state; and __fish_seen_subcommand_from backup' -l force -s f -d");
}

TEST_CASE("the manual page is roff that says every command") {
  const auto page = manual_page(tree());
  CHECK(page.starts_with(".TH CATWALK 1"));
  has(page, ".SS catwalk state backup\nCopy it.\n");
  has(page, "\\fB\\-\\-force\\fR, \\fB\\-f\\fR\nDon't ask\n");
  has(page, "\\&.dots are no commands");
}
