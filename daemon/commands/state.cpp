#include <spdlog/fmt/fmt.h>

#include <boost/asio/io_context.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/daemon_client.hpp"
#include "daemon/retention.hpp"
#include "storage/state_maintenance.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

int run_backup(const invocation& to_run, const std::string& file) {
  const auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  if (auto done = storage::back_up_state(loaded->state_dir, file); !done) return fail(done.error());
  std::cout << file << '\n';
  return exit_done;
}

int run_restore(const invocation& to_run, const std::string& file) {
  const auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  const auto before = storage::restore_state(file, loaded->state_dir);
  if (!before) return fail(before.error());
  if (!before->empty()) std::cout << "the database before is " << before->string() << '\n';
  return exit_done;
}

int run_check(const invocation& to_run, bool json) {
  const auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  const auto found = storage::check_state(loaded->state_dir);
  if (!found) return fail(found.error());
  if (json) {
    std::cout << json_text({{"products", found->products},
                            {"vectors", found->vectors},
                            {"problems", found->problems}},
                           2)
              << '\n';
  } else {
    for (const auto& problem : found->problems) std::cout << problem << '\n';
    std::cout << fmt::format("{} products, {} vectors: {}\n", found->products, found->vectors,
                             found->problems.empty() ? "ok" : "damaged");
    if (!found->problems.empty())
      std::cerr << "catwalk: keep a copy of the folder, then restore a backup with `catwalk state restore`\n";
  }
  return found->problems.empty() ? exit_done : exit_failed;
}

void print_pruned(const nlohmann::json& rows) {
  for (const auto& [name, number] : rows.items()) std::cout << fmt::format("{:<9} {}\n", name, number.dump());
}

asio::awaitable<int> prune_here(std::shared_ptr<storage::state_database> db,
                                storage::retention_limits limits) {
  const auto rows = co_await storage::prune_state(std::move(db), limits, wall_now());
  if (!rows) co_return fail(rows.error());
  print_pruned(as_json(*rows));
  co_return exit_done;
}

/// Where a daemon holds the state, it prunes.
asio::awaitable<int> prune_there(daemon_client& daemon, error locked) {
  const auto answer = co_await daemon.ask("POST", "/-/prune", {}, std::chrono::minutes(10));
  if (!answer || answer->status != 200) co_return fail(locked);
  print_pruned(nlohmann::json::parse(answer->body, nullptr, false));
  co_return exit_done;
}

int run_prune(const invocation& to_run) {
  const auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  if (const auto there = storage::find_state(loaded->state_dir); !there) return fail(there.error());
  asio::io_context loop;
  storage::state_options options;
  options.dir = loaded->state_dir;
  auto db = storage::state_database::open(options);
  const auto on_stop = [] { std::_Exit(exit_interrupted); };
  if (!db && is_for_the_daemon(db.error())) {
    daemon_client daemon(loop.get_executor(), *loaded);
    return run_loop(loop, prune_there(daemon, db.error()), on_stop);
  }
  if (!db) return fail(db.error());
  const int code = run_loop(loop, prune_here(*db, limits_of(loaded->values.retention)), on_stop);
  (*db)->close();
  return code;
}

}  // namespace

void add_state(CLI::App& app, invocation& to_run) {
  auto* group =
      app.add_subcommand("state",
                         "What catwalk keeps (the catalogue, vectors, runs): back up, restore, check, prune")
          ->group("Service")
          ->require_subcommand(1);
  const auto file_command = [&](const char* name, const char* about, auto action) {
    auto* command = group->add_subcommand(name, about);
    auto file = std::make_shared<std::string>();
    command->add_option("FILE", *file, "The backup's file")->required();
    command->callback([&to_run, file, action] {
      to_run.action = [&to_run, file, action] { return action(to_run, *file); };
    });
    return command;
  };
  file_command("backup", "Copy what catwalk keeps", run_backup)
      ->footer("Also while the daemon runs. FILE must not exist; it is readable by its owner alone.");
  file_command("restore", "Put a backup in place; the database before is kept beside it", run_restore)
      ->footer("Stop the daemon first (exit code 4).");
  auto* check = group->add_subcommand("check", "Read everything, compare every checksum");
  auto json = std::make_shared<bool>(false);
  check->add_flag("--json", *json, "JSON instead of lines");
  check->footer("Also while the daemon runs. Exit 1: something is damaged.");
  check->callback([&to_run, json] { to_run.action = [&to_run, json] { return run_check(to_run, *json); }; });
  auto* prune = group->add_subcommand("prune", "Delete what is older than `retention` says");
  prune->footer("The daemon does this once a day; where it runs, it is asked to, else this command does.");
  prune->callback([&to_run] { to_run.action = [&to_run] { return run_prune(to_run); }; });
}

}  // namespace catwalk::daemon
