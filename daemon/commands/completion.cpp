#include <iostream>

#include "daemon/command_tree.hpp"
#include "daemon/commands/command.hpp"

namespace catwalk::daemon {

void add_completion(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("completion", "Print a completion script")->group("Help");
  auto shell = std::make_shared<std::string>();
  // `man` prints the manual page: for packaging.
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish", "man"}));
  command->footer(
      "bash: source <(catwalk completion bash)\nzsh: catwalk completion zsh > a folder of $fpath/_catwalk\n"
      "fish: catwalk completion fish > ~/.config/fish/completions/catwalk.fish");
  command->callback([&app, &to_run, shell] {
    to_run.action = [&app, shell] {
      const auto tree = command_tree(app);
      std::cout << (*shell == "man" ? manual_page(tree) : completion_script(tree, *shell));
      return static_cast<int>(exit_done);
    };
  });
}

}  // namespace catwalk::daemon
