#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/file.hpp"
#include "core/json_text.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/probe_run.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct probe_options {
  std::string url, write;
  bool json = false;
};

void print(const scrape::probe_report& report) {
  std::cout << "kind: " << report.kind << "\n\n";
  for (const auto& row : rows_of(report)) std::cout << json_text(row, 2) << '\n';
  std::cout << "\n# sites.yaml\n" << report.stanza;
}

/// Adds the stanza to a sites file, which then must still load.
result<void> write_stanza(const std::string& name, const std::string& stanza) {
  std::string text;
  if (std::filesystem::exists(name)) {
    auto read = read_file(name);
    if (!read) return read.error();
    text = std::move(*read);
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
  }
  text += stanza;
  const auto loaded = config::parse_sites(text, name);
  for (const auto& p : loaded.found) {
    if (p.severity == config::problem::level::error)
      return error{errc::invalid_config, "cannot add the site to the file", name, config::to_string(p), ""};
  }
  // Another file in its place, so that a full disk leaves the old one whole.
  const std::string draft = name + ".new";
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  std::error_code failed;
  if (out) std::filesystem::rename(draft, name, failed);
  if (!out || failed)
    return error{errc::io, "cannot write the sites file", name,
                 failed ? failed.message() : "the disk refuses it", ""};
  return {};
}

asio::awaitable<int> probe(asio::io_context& loop, const config::settings& settings, probe_options options) {
  auto report =
      co_await run_probe(loop.get_executor(), settings.fetch, options.url, probe_browser::where_it_is);
  if (!report) co_return fail(report.error());
  if (options.json)
    std::cout << json_text({{"kind", report->kind}, {"rows", rows_of(*report)}, {"stanza", report->stanza}},
                           2)
              << '\n';
  else
    print(*report);
  if (options.write.empty()) co_return exit_done;
  if (auto written = write_stanza(options.write, report->stanza); !written) co_return fail(written.error());
  std::cerr << "added to " << options.write << '\n';
  co_return exit_done;
}

int run(const invocation& to_run, const probe_options& options) {
  auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  asio::io_context loop;
  task_group* running = nullptr;
  auto body = [](asio::io_context& on, const config::settings& settings, probe_options o,
                 task_group*& group) -> asio::awaitable<int> {
    int code = exit_interrupted;
    task_group tasks(on.get_executor());
    group = &tasks;
    auto work = [](asio::io_context& at, const config::settings& s, probe_options what,
                   int& out) -> asio::awaitable<void> {
      auto probing = probe(at, s, std::move(what));
      out = co_await std::move(probing);
    };
    tasks.spawn("probe", work(on, settings, std::move(o), code));
    co_await tasks.join();
    group = nullptr;
    co_return code;
  };
  return run_loop(loop, body(loop, loaded->values, options, running), [&] {
    if (running) running->cancel();
  });
}

}  // namespace

void add_probe(CLI::App& app, invocation& to_run) {
  auto* command =
      app.add_subcommand("probe", "Find out how a shop can be read, and print its stanza")->group("Sites");
  auto options = std::make_shared<probe_options>();
  command->add_option("URL", options->url, "A shop, a category, a feed, or JSON that its pages load")
      ->required();
  command->add_option("--write", options->write, "Also add the stanza to a sites file")->type_name("FILE");
  command->add_flag("--json", options->json, "Print kind, rows and stanza as JSON");
  command->footer("Asks the shop alone, politely; needs no model, and no configuration.");
  command->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run(to_run, *options); }; });
}

}  // namespace catwalk::daemon
