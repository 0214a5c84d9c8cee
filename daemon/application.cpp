#include "daemon/application.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "config/byte_size.hpp"
#include "daemon/callback_client.hpp"
#include "daemon/concealment.hpp"
#include "daemon/measured_sink.hpp"
#include "daemon/webhook_signature.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

constexpr auto awaitable_tuple = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> sleep_for(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(awaitable_tuple);
}

http_client_options shop_client(const config::fetch_settings& fetch, const application_options& options) {
  http_client_options o;
  o.name = "shops";
  o.user_agent = fetch.user_agent;
  o.guard_addresses = !fetch.allow_private_addresses;
  o.permitted_endpoints = options.permitted_endpoints;
  o.http_proxy = fetch.http_proxy;
  o.https_proxy = fetch.https_proxy;
  o.no_proxy = fetch.no_proxy;
  o.insecure_tls = fetch.insecure_ssl;
  o.max_connections = fetch.pages.concurrency + fetch.images.concurrency;
  o.max_connections_per_host = fetch.pages.per_host + fetch.images.per_host;
  return o;
}

/// How long a stop waits for events to be told.
constexpr std::chrono::milliseconds longest_farewell(5'000);

/// What a row that waits costs on disk: its fields and its vector in the state, and its place in the outbox.
constexpr std::uint64_t bytes_of_waiting_row = 8000;

}  // namespace

application::application(asio::io_context& loop, config::loaded loaded, application_options options)
    : loop_(loop),
      loaded_(std::move(loaded)),
      options_(std::move(options)),
      cpu_(std::max(1U, std::thread::hardware_concurrency())),
      tasks_(loop.get_executor()) {}

application::~application() = default;

result<std::unique_ptr<application>> application::create(asio::io_context& loop, config::loaded loaded,
                                                         application_options options) {
  std::unique_ptr<application> app(new application(loop, std::move(loaded), std::move(options)));
  if (auto opened = app->open(); !opened) return opened.error();
  return app;
}

result<void> application::open() {
  const auto& s = settings();
  conceal_secrets(loaded_);

  storage::state_options state;
  state.dir = loaded_.state_dir;
  state.min_free = s.state.min_free;
  state.read_only = options_.state != state_access::own;
  auto database = storage::state_database::open(state);
  const bool none_yet = !database && database.error().code == errc::not_found;
  if (!database && !(none_yet && options_.state == state_access::read_if_there)) return database.error();
  if (database) {
    database_ = std::move(*database);
    catalogue_ = std::make_unique<storage::catalogue>(database_, s.search.memory);
    paused_ = std::make_unique<paused_sites>(*catalogue_);
  }
  return options_.state == state_access::read ? result<void>() : make_clients();
}

result<void> application::make_clients() {
  const auto& s = settings();
  const asio::any_io_executor executor = loop_.get_executor();
  shop_http_ = std::make_unique<http_client>(executor, shop_client(s.fetch, options_));
  sink_http_ = std::make_unique<http_client>(executor, callback_client("sink", s.fetch));
  robots_ = scrape::make_robots_cache(executor, *shop_http_, s.fetch.user_agent);
  const auto observe = [this](const std::string& site, int status) {
    metrics_.http_responses(site, status).Increment();
  };
  const std::string robots_agent = s.fetch.user_agent.substr(0, s.fetch.user_agent.find_first_of("/ "));
  scrape::fetcher::options pages{s.fetch.pages, robots_agent, 3};
  scrape::fetcher::options images{s.fetch.images, robots_agent, 3};
  page_lane_ = std::make_unique<scrape::fetcher>(executor, *shop_http_, robots_, pages, observe);
  image_lane_ = std::make_unique<scrape::fetcher>(executor, *shop_http_, robots_, images, observe);
  browser_ = std::make_unique<scrape::browser>(
      executor, cpu_.get_executor(), scrape::browser::options{s.fetch, options_.permitted_endpoints});

  if (options_.with_sink) {
    auto made = storage::make_sink(s.sink, *sink_http_, cpu_.get_executor());
    if (!made) return made.error();
    if (*made) sink_ = std::make_unique<measured_sink>(std::move(*made), metrics_);
  }
  page_gate_ = std::make_unique<intake_gate>(executor, "pages", [this] {
    auto reason = disk_nearly_full();
    return reason ? reason : outbox_full();
  });
  image_gate_ = std::make_unique<intake_gate>(executor, "images", [this] { return disk_nearly_full(); });
  runner_ = std::make_unique<site_runner>(
      executor, site_runner::parts{loaded_, catalogue_.get(), *page_lane_, *browser_, *page_gate_, metrics_,
                                   cpu_.get_executor()});
  tasks_.spawn("loop latency", watch_loop_latency());
  return {};
}

std::optional<std::string> application::disk_nearly_full() const {
  if (!database_ || !database_->intake_paused()) return std::nullopt;
  return "less than state.min_free (" + config::format_byte_size(settings().state.min_free) +
         ") of disk space is left for " + loaded_.state_dir.string() + ": free some";
}

std::optional<std::string> application::outbox_full() const {
  if (!writer_) return std::nullopt;
  const auto status = writer_->status();
  const auto waiting = static_cast<std::uint64_t>(std::max<std::int64_t>(0, status.waiting));
  if (waiting * bytes_of_waiting_row < settings().retention.outbox_max) return std::nullopt;
  return std::to_string(waiting) + " rows wait for " + sink_->name() + ", as many as retention.outbox_max (" +
         config::format_byte_size(settings().retention.outbox_max) + ") holds" +
         (status.last_error ? ": " + status.last_error->to_string() : std::string());
}

std::filesystem::path application::models_dir() const {
  return loaded_.state_dir / settings().embed.models_dir;
}

std::string application::layout() const {
  if (description_) return description_->layout;
  return settings().sink.layout == "auto" ? "catwalk" : settings().sink.layout;
}

asio::awaitable<result<void>> application::start_pipeline() {
  // In a group of its own, so that a stop request ends a start that waits for a sink.
  result<void> outcome = error{errc::cancelled, "stopped while starting", "", "", ""};
  task_group startup(loop_.get_executor());
  startup_ = &startup;
  startup.spawn("start", start_into(outcome));
  co_await startup.join();
  startup_ = nullptr;
  co_return outcome;
}

asio::awaitable<void> application::start_into(result<void>& outcome) {
  auto started = co_await start_parts();
  outcome = std::move(started);
}

asio::awaitable<result<void>> application::start_encoder() {
  if (auto described = co_await describe_sink(); !described) co_return described.error();
  if (sink_problem_) co_return *sink_problem_;
  co_return co_await load_model();
}

asio::awaitable<result<void>> application::start_parts() {
  auto interrupted = co_await catalogue_->close_interrupted_runs();
  if (!interrupted) co_return interrupted.error();
  if (*interrupted > 0)
    spdlog::info("{} interrupted run(s) of an earlier start will be gone on with", *interrupted);

  if (auto paused = co_await paused_->load(); !paused) co_return paused.error();
  if (auto described = co_await describe_sink(); !described) co_return described.error();
  if (auto loaded = co_await load_model(); !loaded) co_return loaded.error();
  co_await warn_of_unknown_rows();
  const auto expired = co_await catalogue_->expire_vectors(encoder_->model().fingerprint);
  if (!expired) co_return expired.error();
  if (*expired > 0)
    spdlog::warn("{} products have vectors of another model than {}: their images are embedded again",
                 *expired, encoder_->model().name);

  if (sink_) {
    writer_ =
        std::make_unique<storage::outbox_writer>(loop_.get_executor(), database_, *sink_, settings().sink);
    tasks_.spawn("outbox writer", writer_->run());
    if (sink_problem_) tasks_.spawn("sink", describe_sink_later());
  }
  if (auto notifies = co_await start_notifier(); !notifies) co_return notifies.error();
  image_stage::parts parts{*catalogue_,
                           *image_lane_,
                           *encoder_,
                           *image_gate_,
                           metrics_,
                           settings().fetch,
                           settings().embed,
                           [this](const site_name& name) -> const config::site* {
                             for (const auto& site : loaded_.sites)
                               if (site.name == name.str()) return &site;
                             return nullptr;
                           },
                           [this](const site_name& name) { return runner_->run_of(name.str()).value_or(0); },
                           sink_ != nullptr,
                           [this] {
                             if (writer_) writer_->notify();
                           },
                           cpu_.get_executor()};
  images_ = std::make_unique<image_stage>(loop_.get_executor(), std::move(parts));
  images_->start();
  if (auto started = co_await start_texts(); !started) co_return started.error();
  runner_->attach({*images_, product_texts_.get(), writer_.get(), encoder_->model().fingerprint,
                   [this] { return sink_ ? sink_->shape() : nullptr; }});
  tasks_.spawn("gauges", update_gauges());
  co_return result<void>();
}

asio::awaitable<result<void>> application::start_notifier() {
  storage::event_feed feed(database_);
  const auto& notify = settings().notify;
  if (notify.url.empty()) co_return co_await feed.forget();
  auto key = webhook_key(notify.signing_secret.reveal());
  if (!key) co_return key.error();
  if (auto begun = co_await feed.begin(); !begun) co_return begun.error();
  notifier_ = std::make_unique<notifier>(loop_.get_executor(), database_, notify, settings().fetch,
                                         std::move(*key), metrics_);
  tasks_.spawn("notifier", notifier_->run());
  co_return result<void>();
}

asio::awaitable<result<void>> application::describe_sink() {
  if (!sink_) co_return result<void>();
  auto described = co_await sink_->describe();
  if (!described) {
    if (described.error().code == errc::cancelled || described.error().code == errc::invalid_config)
      co_return described.error();
    sink_problem_ = described.error();
    spdlog::error("{}; rows wait in the outbox meanwhile", described.error().to_string());
    co_return result<void>();
  }
  if (settings().sync.action == "mark" && !described->has_availability)
    co_return error{errc::invalid_config, "sync.action: mark needs a column availability", sink_->name(),
                    "the table has none", "use sync.action: delete, or add the column"};
  sink_problem_.reset();
  description_ = std::move(*described);
  co_await remember_table();
  for (const auto& warning : description_->warnings) spdlog::warn("{}: {}", sink_->name(), warning);
  co_return result<void>();
}

asio::awaitable<void> application::describe_sink_later() {
  asio::steady_timer pause(loop_);
  while (sink_problem_) {
    pause.expires_after(std::chrono::minutes(1));
    co_await pause.async_wait(asio::use_awaitable);
    if (auto described = co_await describe_sink(); !described) sink_problem_ = described.error();
  }
  spdlog::info("{} can be used", sink_->name());
}

/// The first run against a table that is full already says what it is about to change.
asio::awaitable<void> application::warn_of_unknown_rows() {
  if (!sink_ || !description_) co_return;
  const auto known = co_await catalogue_->note("sink");
  if (!known || *known == sink_->name()) co_return;
  storage::stored_rows_query everything;
  const auto rows = co_await sink_->count_rows(std::move(everything));
  if (!rows || *rows == 0) co_return;
  spdlog::warn(
      "{} holds {} rows that catwalk does not know: those that the sites list are embedded and written anew, "
      "the "
      "others stay for ever; `catwalk sink adopt` learns them first",
      sink_->name(), *rows);
}

void application::note_next_run(const std::string& site, std::optional<std::chrono::sys_seconds> when) {
  if (!when) {
    next_runs_.erase(site);
    return;
  }
  next_runs_[site] = *when;
  metrics_.site_next_run(site).Set(static_cast<double>(when->time_since_epoch().count()));
}

std::optional<std::chrono::sys_seconds> application::next_run() const {
  std::optional<std::chrono::sys_seconds> next;
  for (const auto& [site, when] : next_runs_) next = std::min(next.value_or(when), when);
  return next;
}

std::optional<std::chrono::sys_seconds> application::next_run_of(const std::string& site) const {
  const auto found = next_runs_.find(site);
  return found == next_runs_.end() ? std::nullopt : std::optional(found->second);
}

void application::request_stop() {
  stopping_ = true;
  if (images_) images_->stop_intake();
  if (product_texts_) product_texts_->stop_intake();
  if (writer_) writer_->stop_waiting();
  if (startup_ != nullptr) startup_->cancel();
  if (runner_) runner_->request_stop();
}

asio::awaitable<void> application::shutdown(std::chrono::milliseconds at_most) {
  const auto deadline = steady_now() + at_most;
  request_stop();
  while (images_ && images_->in_flight() > 0 && steady_now() < deadline)
    co_await sleep_for(std::chrono::milliseconds(20));
  if (images_) co_await images_->stop();
  if (product_texts_) co_await product_texts_->stop();
  // What the last vectors released is sent while there is time; a sink that is away or parked is not waited
  // for.
  if (writer_ && !writer_->status().parked && !writer_->status().last_error) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_now());
    if (left.count() > 0) co_await writer_->wait_until_idle(left);
  }
  if (notifier_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_now());
    co_await notifier_->wait_until_idle(std::min(left, longest_farewell));
  }
  if (sink_) sink_->stop();
  if (browser_) co_await browser_->stop();
  tasks_.cancel();
  co_await tasks_.join();
}

void application::close() {
  if (encoder_) encoder_->close();
  if (texts_) texts_->close();
  cpu_.join();
  if (database_) database_->close();
}

asio::awaitable<void> application::watch_loop_latency() {
  constexpr auto period = std::chrono::milliseconds(500);
  asio::steady_timer timer(loop_);
  for (;;) {
    timer.expires_after(period);
    const auto due = timer.expiry();
    co_await timer.async_wait(asio::use_awaitable);
    metrics_.loop_latency().Observe(std::chrono::duration<double>(steady_now() - due).count());
  }
}

asio::awaitable<void> application::update_gauges() {
  for (;;) {
    const auto stats = encoder_->stats();
    metrics_.embed_queue_length().Set(static_cast<double>(stats.queue_items));
    metrics_.embed_queue_bytes().Set(static_cast<double>(stats.queue_bytes));
    if (writer_) {
      const auto status = writer_->status();
      metrics_.outbox_rows().Set(static_cast<double>(status.waiting));
      metrics_.sink_circuit_state().Set(status.parked ? 1 : 0);
      metrics_.sink_batch_rows().Set(status.batch);
      metrics_.sink_concurrency().Set(status.concurrency);
    }
    if (const auto counts = co_await catalogue_->counts())
      metrics_.vectors_stale().Set(static_cast<double>(counts->vectors_stale));
    co_await sleep_for(std::chrono::seconds(5));
  }
}

}  // namespace catwalk::daemon
