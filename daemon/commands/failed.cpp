#include <spdlog/fmt/fmt.h>

#include <boost/asio/io_context.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/daemon_client.hpp"
#include "daemon/failure_json.hpp"
#include "daemon/time_text.hpp"
#include "storage/failures.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct failed_options {
  std::vector<std::int64_t> ids;
  bool all = false, json = false;
  int limit = 100;
};

nlohmann::json as_json(const storage::failed_row& row, bool whole) {
  auto j = failure_json(row);
  if (whole) j["row"] = nlohmann::json::parse(row.payload_json, nullptr, false);
  return j;
}

void print(const storage::failed_row& row) {
  std::cout << fmt::format("{}  {}  {}  {}\n    {}\n", row.id, time_text(row.died), row.key.str(), row.title,
                           row.sink_words);
}

asio::awaitable<int> list(storage::failures letters, failed_options options) {
  const auto rows = co_await letters.list(options.limit, std::nullopt);
  if (!rows) co_return fail(rows.error());
  if (options.json) {
    auto all = nlohmann::json::array();
    for (const auto& row : *rows) all.push_back(as_json(row, false));
    std::cout << json_text(all, 2) << '\n';
    co_return exit_done;
  }
  for (const auto& row : *rows) print(row);
  if (rows->empty()) std::cout << "no row was refused\n";
  co_return exit_done;
}

asio::awaitable<int> show(storage::failures letters, failed_options options) {
  const auto row = co_await letters.find(options.ids.front());
  if (!row) co_return fail(row.error());
  if (!*row)
    co_return fail({errc::not_found, "no such dead letter", std::to_string(options.ids.front()), "",
                    "`catwalk failed list` has their numbers"});
  const auto j = as_json(**row, true);
  if (options.json) {
    std::cout << json_text(j, 2) << '\n';
    co_return exit_done;
  }
  print(**row);
  std::cout << "    " << (*row)->reason << "\n\nattempts\n";
  for (const auto& a : j["attempts"])
    std::cout << "  " << a["at"].get<std::string>() << "  " << a["error"].get<std::string>() << '\n';
  std::cout << "\nrow\n" << json_text(j["row"], 2) << '\n';
  co_return exit_done;
}

/// None of the numbers that were named is a dead letter's.
int fail_without_letter() {
  return fail(
      {errc::not_found, "there is no dead letter of that number", "", "", "`catwalk failed list` has them"});
}

constexpr const char* retried_words = " rows go out again, with the daemon or the next `catwalk scrape`\n";
constexpr const char* dropped_words = " dead letters are dropped; a product that changes goes out again\n";

storage::failure_choice chosen(const failed_options& options) {
  storage::failure_choice which;
  if (!options.all) which.ids = options.ids;
  return which;
}

asio::awaitable<int> retry(storage::failures letters, failed_options options) {
  auto which = chosen(options);
  const auto n = co_await letters.retry(std::move(which));
  if (!n) co_return fail(n.error());
  if (*n == 0 && !options.all) co_return fail_without_letter();
  std::cout << *n << retried_words;
  co_return exit_done;
}

asio::awaitable<int> drop(storage::failures letters, failed_options options) {
  auto which = chosen(options);
  const auto n = co_await letters.drop(std::move(which));
  if (!n) co_return fail(n.error());
  if (*n == 0 && !options.all) co_return fail_without_letter();
  std::cout << *n << dropped_words;
  co_return exit_done;
}

using verb = asio::awaitable<int> (*)(storage::failures, failed_options);

asio::awaitable<int> run_and_shut_down(application& app, verb what, failed_options options) {
  const int code = co_await what(storage::failures(app.database()), std::move(options));
  co_await app.shutdown(app.settings().shutdown_timeout);
  co_return code;
}

int run_reading(const invocation& to_run, verb what, const failed_options& options) {
  auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  asio::io_context loop;
  application_options app_options;
  app_options.state = state_access::read;
  app_options.with_sink = false;
  auto app = application::create(loop, std::move(*loaded), app_options);
  if (!app) return fail(app.error());
  const int code = run_loop(loop, run_and_shut_down(**app, what, options), [&] { (*app)->request_stop(); });
  (*app)->close();
  return code;
}

/// What retry and drop do, here or in the daemon that holds the state.
struct change {
  const char* name;
  const char* what;
  verb run;
  const char* done;  ///< after the number
};
constexpr change changes[] = {{"retry", "Send them again, as the products are now", retry, retried_words},
                              {"drop", "Forget them", drop, dropped_words}};

/// `opening`: why this command cannot do it itself.
asio::awaitable<int> ask_daemon(daemon_client& daemon, const change& what, failed_options options,
                                error opening) {
  const auto body = options.all ? nlohmann::json{{"all", true}} : nlohmann::json{{"ids", options.ids}};
  const auto answer =
      co_await daemon.ask("POST", std::string("/api/v1/failures/") + what.name, json_text(body));
  if (!answer) co_return fail(opening);
  const auto said = nlohmann::json::parse(answer->body, nullptr, false);
  if (answer->status != 200 || !said.is_object())
    co_return fail({opening.code, "the daemon holds the state and does not do it", answer->url,
                    "it answered " + std::to_string(answer->status),
                    "join the group catwalk, or stop the daemon"});
  const int n = said.value("changed", 0);
  if (n == 0 && !options.all) co_return fail_without_letter();
  std::cout << n << what.done;
  co_return exit_done;
}

int run_change(const invocation& to_run, const change& what, const failed_options& options) {
  if (options.all == !options.ids.empty())
    return fail({errc::invalid_argument, "name numbers, or --all", "", "", "`catwalk failed list` has them"});
  const auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  asio::io_context loop;
  application_options app_options;
  app_options.with_sink = false;
  auto app = application::create(loop, *loaded, app_options);
  if (!app && is_for_the_daemon(app.error())) {
    daemon_client daemon(loop.get_executor(), *loaded);
    return run_loop(loop, ask_daemon(daemon, what, options, app.error()), [] { std::_Exit(exit_interrupted); });
  }
  if (!app) return fail(app.error());
  const int code =
      run_loop(loop, run_and_shut_down(**app, what.run, options), [&] { (*app)->request_stop(); });
  (*app)->close();
  return code;
}

}  // namespace

void add_failed(CLI::App& app, invocation& to_run) {
  auto* command =
      app.add_subcommand("failed", "Rows that the sink refused: list, show, retry, drop")->group("Catalogue");
  command->require_subcommand(1);
  auto options = std::make_shared<failed_options>();

  auto* listing = command->add_subcommand("list", "The latest ones, with the sink's own words");
  listing->add_option("-n,--limit", options->limit, "At most so many (default 100)")
      ->check(CLI::Range(1, 100'000));
  listing->add_flag("--json", options->json, "Print as JSON");
  listing->footer("Also while the daemon runs: as its own user, root or a member of the group catwalk.");
  listing->callback([&to_run, options] {
    to_run.action = [&to_run, options] { return run_reading(to_run, list, *options); };
  });

  auto* showing = command->add_subcommand("show", "One of them, with its row and every attempt");
  showing->add_option("NUMBER", options->ids, "Its number in the list")->required()->expected(1);
  showing->add_flag("--json", options->json, "Print as JSON");
  showing->footer("Also while the daemon runs: as its own user, root or a member of the group catwalk.");
  showing->callback([&to_run, options] {
    to_run.action = [&to_run, options] { return run_reading(to_run, show, *options); };
  });

  for (const auto& c : changes) {
    auto* changing = command->add_subcommand(c.name, c.what);
    changing->add_option("NUMBER", options->ids, "Their numbers in the list");
    changing->add_flag("--all", options->all, "All of them");
    changing->footer(
        "While the daemon runs, it is asked to do it: as its own user, root or a member of the group "
        "catwalk.");
    changing->callback([&to_run, options, &c] {
      to_run.action = [&to_run, options, &c] { return run_change(to_run, c, *options); };
    });
  }
}

}  // namespace catwalk::daemon
