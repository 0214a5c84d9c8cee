#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include "core/log.hpp"
#include "core/task_group.hpp"
#include "daemon/api_server.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/demo_shop/demo_shop.hpp"
#include "daemon/demo_shop/picture.hpp"
#include "daemon/model_choice.hpp"
#include "daemon/progress.hpp"
#include "daemon/search_result.hpp"
#include "daemon/token.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct demo_options {
  int products = 300;
  std::uint32_t seed = 1;
  bool shop_only = false;
  bool rendered = false;  ///< --rendered: pictures are drawn before the first request
  std::string shop_listen = "127.0.0.1:0";
  std::string write_sites;
};

/// A folder under the temporary folder, removed at the end.
class temporary_folder {
 public:
  temporary_folder() {
    auto name = (std::filesystem::temp_directory_path() / "catwalk-demo-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw exception({errc::io, "cannot make a folder", name, "", "check $TMPDIR"});
    path_ = name;
  }
  ~temporary_folder() { remove(); }
  void remove() const {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
    if (ec) spdlog::warn("{} could not be removed: {}", path_.string(), ec.message());
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// The user's own models where there are some; else an untrained one in the demo's folder.
result<std::filesystem::path> models_for_demo(const std::filesystem::path& users,
                                              const std::filesystem::path& own) {
  const config::settings any;
  if (choose_model(any, users)) return users;
  std::cerr << "catwalk: no model is installed (`catwalk model pull` gets one): the demo goes on with an "
               "untrained one.\n"
               "catwalk: everything runs, but its search results mean little.\n";
  auto made = embed::make_untrained_model(own, 1);
  if (!made) return made.error();
  return own;
}

asio::awaitable<void> wait_for_stop(asio::io_context& loop, const bool& stopping) {
  asio::steady_timer timer(loop);
  while (!stopping) {
    timer.expires_after(std::chrono::milliseconds(100));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<void> show_search(application& app, const demo_shop& shop) {
  // A picture that the catalogue does not hold: the first garment, drawn anew with other small differences.
  auto like = shop.garments().front();
  like.seed ^= 0x5a5a5a5aU;
  auto bytes = draw_picture(like);
  auto query = co_await app.encoder()->encode(std::move(bytes), "query.jpg", embed::lane::interactive);
  if (!query) {
    std::cout << query.error().to_string() << '\n';
    co_return;
  }
  auto found = co_await app.catalogue().nearest(query->values, 5, query->fingerprint, std::nullopt);
  if (!found) {
    std::cout << found.error().to_string() << '\n';
    co_return;
  }
  std::cout << "\ncatwalk search --image " << like.handle() << ".jpg -k 5\n" << neighbours_as_text(*found);
  if (query->made.untrained)
    std::cout << "(by the untrained model: near in its own space, not in a shopper's eyes)\n";
}

void print_summary(const run_report& r) {
  const double seconds = static_cast<double>(r.took.count()) / 1000;
  std::cout << fmt::format("\nproducts   {:>6}   ({} pages, {} skipped)\n", r.products(),
                           r.sum(&site_report::pages), r.skipped());
  std::cout << fmt::format("images     {:>6}   {} failed, {:.1f} images/s\n", r.images_embedded,
                           r.images_failed,
                           seconds > 0 ? static_cast<double>(r.images_embedded) / seconds : 0.0);
  std::cout << fmt::format("vectors    {:>6}   in the catalogue\n", r.images_embedded);
  std::cout << fmt::format("rows       {:>6}   sent (the demo has no sink)\n", r.rows_sent);
  std::cout << fmt::format("took       {:>6.1f} s ({:.1f} s of it until the last page)\n", seconds,
                           static_cast<double>(r.pages_took.count()) / 1000);
  for (const auto& site : r.sites)
    for (const auto& text : site.errors) std::cout << site.site << ": " << text << '\n';
}

/// `token` stands behind the "#": a browser keeps that part to itself.
void print_addresses(const std::string& host_and_port, const config::secret& token) {
  std::cout << fmt::format(
                   "\ndashboard  http://{0}/#token={1}\nhealth     http://{0}/health\n"
                   "metrics    http://{0}/metrics\nCtrl-C ends the demo.\n",
                   host_and_port, token.reveal())
            << std::flush;
}

asio::awaitable<int> demonstrate(application& app, demo_shop& shop, api_server& http,
                                 const config::secret& token, bool& stopping) {
  if (auto started = co_await app.start_pipeline(); !started) co_return fail(started.error());
  if (auto listening = http.start(); !listening) co_return fail(listening.error());
  std::cerr << "catwalk: the demo shop answers at " << shop.origin() << " with " << shop.garments().size()
            << " products\n";

  run_request request;
  request.job = "demo";
  progress_line progress(app);
  progress.start();
  auto report = co_await app.runs().run(std::move(request));
  co_await progress.stop();
  if (!report) co_return fail(report.error());
  print_summary(*report);
  int code = report->interrupted ? exit_interrupted : report->complete() ? exit_done : exit_partly;
  if (!report->interrupted) {
    co_await show_search(app, shop);
    if (is_terminal(STDOUT_FILENO) && is_terminal(STDIN_FILENO)) {
      print_addresses(fmt::format("127.0.0.1:{}", http.local_endpoint().port()), token);
      co_await wait_for_stop(app.loop(), stopping);
    }
  }
  co_return code;
}

asio::awaitable<int> run_demo_body(application& app, demo_shop& shop, api_server& http,
                                   const config::secret& token, bool& stopping) {
  const int code = co_await demonstrate(app, shop, http, token, stopping);
  co_await http.stop(std::chrono::seconds(1));
  co_await app.shutdown(app.settings().shutdown_timeout);
  co_await shop.stop();
  co_return code;
}

asio::awaitable<int> run_shop_body(demo_shop& shop, asio::io_context& loop, const std::string& write_sites,
                                   bool& stopping) {
  if (!write_sites.empty()) {
    std::ofstream out(write_sites);
    if (!(out << shop.sites_yaml()).flush()) {
      co_await shop.stop();
      co_return fail(
          {errc::io, "cannot write the sites file", write_sites, "", "choose a folder that can be written"});
    }
  }
  std::cout << shop.origin() << std::endl;
  co_await wait_for_stop(loop, stopping);
  co_await shop.stop();
  co_return exit_done;
}

int run_shop_only(const demo_options& options) {
  asio::io_context loop;
  asio::thread_pool cpu(2);
  demo_shop shop(loop.get_executor(), cpu.get_executor(),
                 {options.shop_listen, options.products, options.seed});
  if (options.rendered) shop.render_all();
  if (auto started = shop.start(); !started) return fail(started.error());
  bool stopping = false;
  const int code =
      run_loop(loop, run_shop_body(shop, loop, options.write_sites, stopping), [&] { stopping = true; });
  cpu.join();
  return code;
}

int run_demo(const invocation& to_run, const demo_options& options) {
  if (options.products < 1 || options.products > 100'000)
    return fail({errc::invalid_argument, "--products must be from 1 to 100000",
                 std::to_string(options.products), "", ""});
  start_logging(to_run.flags.log_level.value_or("warn"), to_run.flags.log_format.value_or("text"));
  if (options.shop_only) return run_shop_only(options);

  // The configuration is the defaults: whatever file lies about is not the demo's.
  hold_signals();
  const temporary_folder folder;
  auto loaded =
      config::load({.config_file = std::nullopt, .log_level = std::nullopt, .log_format = std::nullopt},
                   config::process_environment(), folder.path());
  auto settings = config::settings();
  const auto users_models = loaded.state_dir / settings.embed.models_dir;
  loaded.values = settings;
  loaded.state_dir = folder.path() / "state";
  auto models = models_for_demo(users_models, loaded.state_dir / settings.embed.models_dir);
  if (!models) return fail(models.error());
  loaded.values.embed.models_dir = *models;

  asio::io_context loop;
  // The shop draws its pictures when they are asked for; half of the cores are left to the one who asks.
  asio::thread_pool shop_cpu(std::max(1U, std::thread::hardware_concurrency() / 2));
  demo_shop shop(loop.get_executor(), shop_cpu.get_executor(),
                 {options.shop_listen, options.products, options.seed});
  if (options.rendered) shop.render_all();
  if (auto started = shop.start(); !started) return fail(started.error());
  auto sites = config::parse_sites(shop.sites_yaml(), "demo shop");
  for (const auto& p : sites.found) std::cerr << "catwalk: " << to_string(p) << '\n';
  loaded.sites = std::move(sites.sites);

  auto token = make_token();
  if (!token) return fail(token.error());
  application_options app_options;
  app_options.permitted_endpoints = {shop.endpoint()};
  auto app = application::create(loop, std::move(loaded), std::move(app_options));
  if (!app) return fail(app.error());
  api_server http(**app, {"127.0.0.1:0", token->reveal(), {}, {}});
  bool stopping = false;
  const auto on_stop = [&] {
    stopping = true;
    (*app)->request_stop();
  };
  const int code = run_loop(loop, run_demo_body(**app, shop, http, *token, stopping), on_stop, {},
                            [&] { folder.remove(); });
  (*app)->close();
  shop_cpu.join();
  return code;
}

}  // namespace

void add_demo(CLI::App& app, invocation& to_run) {
  auto* command =
      app.add_subcommand("demo", "A shop, a catalogue and a first run, with no configuration at all")
          ->group("Service");
  auto options = std::make_shared<demo_options>();
  command->add_option("--products", options->products, "How many products the shop has (default 300)")
      ->type_name("N");
  command->add_option("--seed", options->seed, "Which products (default 1)")->type_name("N");
  command->add_flag("--shop-only", options->shop_only,
                    "Only the shop: prints its address and serves until stopped");
  command->add_flag("--rendered", options->rendered, "Draw all pictures before the first request");
  command->add_option("--shop-listen", options->shop_listen, "Where the shop listens (default 127.0.0.1:0)");
  command->add_option("--write-sites", options->write_sites, "With --shop-only: write a sites file for it")
      ->type_name("FILE");
  command->footer("In a terminal it stays up until Ctrl-C; elsewhere it exits when the run is done.");
  command->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_demo(to_run, *options); }; });
}

}  // namespace catwalk::daemon
