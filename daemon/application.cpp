#include "daemon/application.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cctype>
#include <thread>

#include "core/json_text.hpp"
#include "core/log.hpp"
#include "core/offload.hpp"
#include "embed/worker_pool.hpp"

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

http_client_options sink_client(const config::fetch_settings& fetch) {
  http_client_options o;
  o.name = "sink";
  o.user_agent = "catwalk/" CATWALK_VERSION;
  o.guard_addresses = false;
  o.http_proxy = fetch.http_proxy;
  o.https_proxy = fetch.https_proxy;
  o.no_proxy = fetch.no_proxy;
  return o;
}

bool same_name(const std::string& a, const std::string& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

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
  conceal_in_logs(s.sink.key.reveal());
  conceal_in_logs(s.http.token.reveal());
  conceal_in_logs(s.embed.remote.token.reveal());
  conceal_in_logs(s.notify.signing_secret.reveal());

  storage::state_options state;
  state.dir = loaded_.state_dir;
  state.min_free = s.state.min_free;
  state.read_only = options_.read_only;
  auto database = storage::state_database::open(state);
  if (!database) return database.error();
  database_ = std::move(*database);
  catalogue_ = std::make_unique<storage::catalogue>(database_);
  if (options_.read_only) return {};

  const asio::any_io_executor executor = loop_.get_executor();
  shop_http_ = std::make_unique<http_client>(executor, shop_client(s.fetch, options_));
  sink_http_ = std::make_unique<http_client>(executor, sink_client(s.fetch));
  robots_ = scrape::make_robots_cache(executor, *shop_http_, s.fetch.user_agent);
  const auto observe = [this](const std::string& site, int status) {
    metrics_.http_responses(site, status).Increment();
  };
  const std::string robots_agent = s.fetch.user_agent.substr(0, s.fetch.user_agent.find_first_of("/ "));
  scrape::fetcher::options pages{s.fetch.pages, robots_agent, 3};
  scrape::fetcher::options images{s.fetch.images, robots_agent, 3};
  page_lane_ = std::make_unique<scrape::fetcher>(executor, *shop_http_, robots_, pages, observe);
  image_lane_ = std::make_unique<scrape::fetcher>(executor, *shop_http_, robots_, images, observe);

  if (options_.with_sink) {
    auto made = storage::make_sink(s.sink, *sink_http_);
    if (!made) return made.error();
    sink_ = std::move(*made);
  }
  tasks_.spawn("loop latency", watch_loop_latency());
  return {};
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

asio::awaitable<result<void>> application::start_parts() {
  auto interrupted = co_await catalogue_->close_interrupted_runs();
  if (!interrupted) co_return interrupted.error();
  if (*interrupted > 0)
    spdlog::info("{} interrupted run(s) of an earlier start will be gone on with", *interrupted);

  if (auto described = co_await describe_sink(); !described) co_return described.error();
  if (auto loaded = co_await load_model(); !loaded) co_return loaded.error();
  const auto expired = co_await catalogue_->expire_vectors(encoder_->model().fingerprint);
  if (!expired) co_return expired.error();
  if (*expired > 0)
    spdlog::warn("{} products have vectors of another model than {}: their images are embedded again",
                 *expired, encoder_->model().name);

  if (sink_) {
    writer_ =
        std::make_unique<storage::outbox_writer>(loop_.get_executor(), database_, *sink_, settings().sink);
    tasks_.spawn("outbox writer", writer_->run());
  }
  image_stage::parts parts{*catalogue_,
                           *image_lane_,
                           *encoder_,
                           metrics_,
                           settings().fetch,
                           settings().embed,
                           [this](const site_name& name) -> const config::site* {
                             for (const auto& site : loaded_.sites)
                               if (site.name == name.str()) return &site;
                             return nullptr;
                           },
                           sink_ != nullptr,
                           [this] {
                             if (writer_) writer_->notify();
                           }};
  images_ = std::make_unique<image_stage>(loop_.get_executor(), std::move(parts));
  images_->start();
  tasks_.spawn("gauges", update_gauges());
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
  description_ = std::move(*described);
  for (const auto& warning : description_->warnings) spdlog::warn("{}: {}", sink_->name(), warning);
  co_return result<void>();
}

asio::awaitable<result<void>> application::load_model() {
  auto model = choose_model(settings().embed, models_dir());
  if (!model) co_return model.error();
  const auto& info = model->info;
  if (info.untrained && sink_ && !options_.allow_untrained) {
    co_return error{
        errc::invalid_argument, "refusing to send vectors of an untrained model to " + sink_->name(),
        info.name, "its vectors find nothing of use",
        "get the real model with `catwalk model pull`, or pass --allow-untrained to try the path out"};
  }
  if (description_ && description_->vector_width && *description_->vector_width != info.dim) {
    co_return error{errc::model_mismatch, "the model does not fit the sink", info.name,
                    "its vectors have " + std::to_string(info.dim) + " numbers, the column of " +
                        sink_->name() + " takes " + std::to_string(*description_->vector_width),
                    "choose a model of that width with embed.model, or change the column"};
  }
  if (info.untrained)
    spdlog::warn("the model '{}' is untrained: its vectors are for trying out alone", info.name);
  const auto options = pool_options_of(settings());
  const asio::any_io_executor executor = loop_.get_executor();
  auto load = [executor, stored = *model, options] {
    return embed::make_worker_pool(executor, stored, options);
  };
  auto pool = co_await offload(cpu_.get_executor(), std::move(load));
  if (!pool) co_return pool.error();
  encoder_ = std::move(*pool);
  spdlog::info("model {} ({}, {} numbers) is ready", info.name, info.architecture, info.dim);
  co_return result<void>();
}

result<std::vector<const config::site*>> application::choose_sites(
    const std::vector<std::string>& names) const {
  std::vector<const config::site*> chosen;
  if (loaded_.sites.empty())
    return error{errc::invalid_config, "there is no site to read", loaded_.sites_file.string(), "",
                 "write a sites.yaml and name it under `sites:` in catwalk.yaml"};
  const bool all = names.empty() || (names.size() == 1 && same_name(names.front(), "all"));
  for (const auto& site : loaded_.sites)
    if (all) chosen.push_back(&site);
  if (all) return chosen;
  for (const auto& name : names) {
    const auto found = std::find_if(loaded_.sites.begin(), loaded_.sites.end(),
                                    [&](const config::site& site) { return same_name(site.name, name); });
    if (found == loaded_.sites.end()) {
      std::string known;
      for (const auto& site : loaded_.sites) known += (known.empty() ? "" : ", ") + site.name;
      return error{errc::invalid_argument, "unknown site", name, "", "the sites file has: " + known};
    }
    if (std::find(chosen.begin(), chosen.end(), &*found) == chosen.end()) chosen.push_back(&*found);
  }
  return chosen;
}

result<void> application::check_sites(const std::vector<std::string>& names) const {
  auto chosen = choose_sites(names);
  if (!chosen) return chosen.error();
  return {};
}

scrape::source_context application::context_for(const config::site& site) {
  return {site, settings().fetch, *page_lane_, cpu_.get_executor(), make_cookie_jar()};
}

asio::awaitable<void> application::commit_site(const config::site& site, storage::run_id run,
                                               read_options read, site_report& report) {
  committing_page_sink::parts parts{*catalogue_, metrics_, sink_ != nullptr, encoder_->model().fingerprint,
                                    [this] {
                                      images_->notify();
                                      if (writer_) writer_->notify();
                                    }};
  committing_page_sink to(std::move(parts), site, run, read, report);
  auto context = context_for(site);
  co_await read_site(std::move(context), to, report);
  if (!report.errors.empty() || report.limited || report.endpoints_complete < report.endpoints) co_return;
  const auto now = wall_now();
  if (auto noted = co_await catalogue_->note_site_success(site_name(site.name), now); !noted)
    spdlog::error("{}", noted.error().to_string());
  metrics_.site_last_success(site.name).Set(static_cast<double>(to_millis(now)) / 1000);
}

asio::awaitable<void> application::compare_site(const config::site& site, read_options read,
                                                site_report& report, dry_run_findings& findings) {
  comparing_page_sink to(*catalogue_, read, report, findings);
  auto context = context_for(site);
  co_await read_site(std::move(context), to, report);
}

asio::awaitable<result<run_report>> application::run(run_request request) {
  const auto chosen = choose_sites(request.sites);
  if (!chosen) co_return chosen.error();
  const auto run = co_await catalogue_->begin_run(request.job, request.slot);
  if (!run) co_return run.error();

  if (!request.slot) {
    // Someone asks for it now: images whose next try is hours away are not put off.
    if (auto retried = co_await catalogue_->retry_images_now(); !retried) co_return retried.error();
  }
  ++runs_active_;
  const auto began = steady_now();
  const auto images_before = images_->counts();
  const auto rows_before = writer_ ? writer_->status() : storage::writer_status{};
  run_report report;
  report.run = *run;
  report.sites.resize(chosen->size());
  spdlog::info("run {} ({}) reads {} site(s)", *run, request.job, chosen->size());
  {
    task_group sites(loop_.get_executor());
    for (std::size_t i = 0; i < chosen->size(); ++i) {
      report.sites[i].site = (*chosen)[i]->name;
      sites.spawn("site " + report.sites[i].site,
                  commit_site(*(*chosen)[i], *run, request.read, report.sites[i]));
    }
    task_group timeout(loop_.get_executor());
    if (request.timeout) timeout.spawn("run timeout", cancel_after(*request.timeout, sites, report));
    co_await join_sites(sites);
    timeout.cancel();
    co_await timeout.join();
  }
  const auto since = [began] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - began);
  };
  report.pages_took = since();
  if (!stopping_) {
    auto settled = co_await catalogue_->settle_run(*run);
    if (!settled) spdlog::error("{}", settled.error().to_string());
    images_->notify();
  }
  if (!stopping_) co_await images_->wait_until_idle();
  if (!stopping_ && writer_) co_await writer_->wait_until_idle(request.sink_wait);

  report.interrupted = stopping_;
  report.images_embedded = images_->counts().embedded - images_before.embedded;
  report.images_failed = images_->counts().failed - images_before.failed;
  if (writer_) {
    const auto rows = writer_->status();
    report.rows_sent = static_cast<std::uint64_t>(rows.sent - rows_before.sent);
    report.rows_dead = static_cast<std::uint64_t>(rows.dead - rows_before.dead);
    report.rows_waiting = rows.waiting;
  }
  report.took = since();
  metrics_.run_duration().Observe(static_cast<double>(report.took.count()) / 1000);
  auto errors = nlohmann::json::array();
  for (const auto& site : report.sites)
    for (const auto& text : site.errors) errors.push_back(site.site + ": " + text);
  const auto state = report.interrupted  ? storage::run_state::interrupted
                     : report.complete() ? storage::run_state::done
                                         : storage::run_state::partly;
  auto ended = co_await catalogue_->end_run(*run, state, json_text(to_json(report)), json_text(errors));
  --runs_active_;
  if (!ended) co_return ended.error();
  spdlog::info("run {} ended: {} products ({} new, {} changed), {} images embedded, {} failed, {} rows sent",
               *run, report.products(), report.sum(&site_report::added), report.sum(&site_report::changed),
               report.images_embedded, report.images_failed, report.rows_sent);
  co_return report;
}

asio::awaitable<result<run_report>> application::dry_run(run_request request, dry_run_findings& findings) {
  const auto chosen = choose_sites(request.sites);
  if (!chosen) co_return chosen.error();
  const auto began = steady_now();
  run_report report;
  report.sites.resize(chosen->size());
  {
    task_group sites(loop_.get_executor());
    for (std::size_t i = 0; i < chosen->size(); ++i) {
      report.sites[i].site = (*chosen)[i]->name;
      sites.spawn("site " + report.sites[i].site,
                  compare_site(*(*chosen)[i], request.read, report.sites[i], findings));
    }
    co_await join_sites(sites);
  }
  report.interrupted = stopping_;
  report.took = report.pages_took =
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - began);
  co_return report;
}

asio::awaitable<void> application::join_sites(task_group& sites) {
  site_groups_.insert(&sites);
  if (stopping_) sites.cancel();
  co_await sites.join();
  site_groups_.erase(&sites);
}

asio::awaitable<void> application::cancel_after(std::chrono::milliseconds timeout, task_group& sites,
                                                run_report& report) {
  asio::steady_timer timer(loop_, timeout);
  co_await timer.async_wait(asio::use_awaitable);
  spdlog::error(
      "run {} has reached its time limit of {} s: what was read is kept, the rest is left for the next run",
      report.run, std::chrono::duration_cast<std::chrono::seconds>(timeout).count());
  for (auto& site : report.sites)
    if (site.endpoints == 0) site.errors.push_back("ended by the job's time limit");
  sites.cancel();
}

void application::note_next_run(const std::string& site, std::optional<std::chrono::sys_seconds> when) {
  if (!when) {
    next_runs_.erase(site);
    return;
  }
  next_runs_[site] = *when;
  metrics_.site_next_run(site).Set(static_cast<double>(when->time_since_epoch().count()));
}

void application::request_stop() {
  stopping_ = true;
  if (images_) images_->stop_intake();
  if (writer_) writer_->stop_waiting();
  if (startup_ != nullptr) startup_->cancel();
  for (auto* sites : site_groups_) sites->cancel();
}

asio::awaitable<void> application::shutdown(std::chrono::milliseconds at_most) {
  const auto deadline = steady_now() + at_most;
  request_stop();
  while (images_ && images_->in_flight() > 0 && steady_now() < deadline)
    co_await sleep_for(std::chrono::milliseconds(20));
  if (images_) co_await images_->stop();
  // What the last vectors released is sent while there is time; a sink that is away or parked is not waited
  // for.
  if (writer_ && !writer_->status().parked && !writer_->status().last_error) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_now());
    if (left.count() > 0) co_await writer_->wait_until_idle(left);
  }
  tasks_.cancel();
  co_await tasks_.join();
}

void application::close() {
  if (encoder_) encoder_->close();
  cpu_.join();
  if (database_) database_->close();
}

asio::awaitable<application::health> application::current_health() {
  health h;
  auto reasons = nlohmann::json::array();
  nlohmann::json body{
      {"version", CATWALK_VERSION},
      {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(steady_now() - started_).count()},
      {"runs_active", runs_active_},
  };
  if (encoder_) {
    const auto& model = encoder_->model();
    const auto stats = encoder_->stats();
    body["model"] = {{"name", model.name},
                     {"architecture", model.architecture},
                     {"dim", model.dim},
                     {"fingerprint", model.fingerprint},
                     {"untrained", model.untrained}};
    body["queue"] = {{"items", stats.queue_items}, {"bytes", stats.queue_bytes}};
    body["images"] = {{"embedded", stats.images_done}, {"failed", stats.images_failed}};
  } else {
    reasons.push_back("the model is not loaded yet");
  }
  if (writer_) {
    const auto status = writer_->status();
    body["outbox"] = {
        {"waiting", status.waiting}, {"sent", status.sent}, {"dead", status.dead}, {"parked", status.parked}};
    if (status.last_error) body["outbox"]["last_error"] = status.last_error->to_string();
    if (status.parked)
      reasons.push_back("the sink is parked: " +
                        (status.last_error ? status.last_error->to_string() : std::string()));
  }
  if (sink_problem_ && !description_) body["sink_problem"] = sink_problem_->to_string();
  if (database_->intake_paused())
    reasons.push_back("less than state.min_free of disk space is left in " + loaded_.state_dir.string() +
                      ": free some, reading goes on by itself");
  const auto sites = co_await catalogue_->counts_by_site();
  if (sites) {
    body["sites"] = nlohmann::json::object();
    for (const auto& site : loaded_.sites)
      body["sites"][site.name] = {{"products", 0}, {"last_success", nullptr}};
    for (const auto& [site, when] : next_runs_)
      body["sites"][site]["next_run"] = when.time_since_epoch().count();
    for (const auto& site : *sites) {
      auto& entry = body["sites"][site.site.str()];
      entry["products"] = site.products;
      entry["vectors"] = site.vectors_ready;
      if (site.last_success) entry["last_success"] = to_millis(*site.last_success) / 1000;
    }
  } else {
    reasons.push_back(sites.error().to_string());
  }
  h.ok = reasons.empty();
  body["status"] = h.ok ? "ok" : "degraded";
  body["reasons"] = std::move(reasons);
  h.body = std::move(body);
  co_return h;
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
    }
    if (const auto counts = co_await catalogue_->counts())
      metrics_.vectors_stale().Set(static_cast<double>(counts->vectors_stale));
    co_await sleep_for(std::chrono::seconds(5));
  }
}

result<embed::stored_model> choose_model(const config::embed_settings& settings,
                                         const std::filesystem::path& models_dir) {
  if (settings.backend != "local")
    return error{errc::invalid_config, "embed.backend is not supported yet by this version", settings.backend,
                 "", "use embed.backend: local, and unset USE_RAILWAY_EMBEDDINGS"};
  std::string name = settings.model;
  const bool automatic = name == "auto";
  const auto& published = embed::default_published_model();
  if (automatic || name == "openai/clip-vit-base-patch32" || name == "sentence-transformers/clip-ViT-B-32" ||
      name == "clip-ViT-B-32")
    name = published.name;
  if (name.find('/') != std::string::npos)
    return error{errc::invalid_config, "this model is not supported yet by this version", name, "",
                 "use openai/clip-vit-base-patch32, or import a CLIP model and name it in embed.model"};
  auto found = embed::find_model(models_dir, name);
  if (found || !automatic || found.error().code != errc::model_missing) return found;
  auto untrained = embed::find_model(models_dir, "untrained");
  if (untrained) return untrained;
  return found;
}

embed::pool_options pool_options_of(const config::settings& settings) {
  embed::pool_options o;
  const auto& e = settings.embed;
  o.device = e.device;
  o.precision = e.precision;
  o.threads = e.threads;
  o.batch = e.batch;
  o.batch_wait = e.batch_wait;
  o.queue_items = static_cast<std::size_t>(e.queue_items);
  o.queue_bytes = e.queue_bytes;
  o.max_pixels = settings.fetch.images_max_pixels;
  o.decode_memory = e.decode_memory;
  o.decode = e.decode;
  return o;
}

}  // namespace catwalk::daemon
