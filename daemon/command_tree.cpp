#include "daemon/command_tree.hpp"

#include <CLI/App.hpp>

namespace catwalk::daemon {

namespace {

command_node node_of(const CLI::App& app);

/// The options and commands of `app`. A group of options is a nameless command to CLI11: what is in it
/// belongs to the command around it.
void add_parts(const CLI::App& app, command_node& node) {
  for (const auto* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    command_option o;
    for (const auto& name : option->get_lnames()) o.names.push_back("--" + name);
    for (const auto& name : option->get_snames()) o.names.push_back("-" + name);
    if (option->get_items_expected_max() > 0) {
      const auto type = option->get_type_name();
      o.value = o.names.empty() ? option->get_name() : type.empty() ? "TEXT" : type;
    }
    o.about = option->get_description();
    node.options.push_back(std::move(o));
  }
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_group().empty()) continue;
    if (command->get_name().empty())
      add_parts(*command, node);
    else
      node.commands.push_back(node_of(*command));
  }
}

command_node node_of(const CLI::App& app) {
  command_node node;
  node.name = app.get_name();
  node.group = app.get_group();
  node.about = app.get_description();
  node.footer = app.get_footer();
  add_parts(app, node);
  return node;
}

}  // namespace

command_node command_tree(const CLI::App& app) {
  return node_of(app);
}

}  // namespace catwalk::daemon
