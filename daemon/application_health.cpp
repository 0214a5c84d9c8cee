#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>

#include "daemon/application.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

asio::awaitable<application::health> application::current_health() {
  health h;
  auto reasons = nlohmann::json::array();
  nlohmann::json body{
      {"version", CATWALK_VERSION},
      {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(steady_now() - started_).count()},
      {"runs_active", runner_->active()},
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
    reasons.push_back(model_problem_ ? model_problem_->to_string() : "the model is not loaded yet");
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
  if (notifier_) {
    const auto status = notifier_->current();
    body["notify"] = {{"waiting", status.waiting},
                      {"told", status.told},
                      {"set_aside", status.set_aside},
                      {"stopped", status.stopped}};
    if (status.problem) body["notify"]["last_error"] = *status.problem;
  }
  if (sink_problem_ && sink_ && !sink_->shape()) {
    body["sink_problem"] = sink_problem_->to_string();
    reasons.push_back("the sink cannot be used: " + sink_problem_->to_string());
  }
  for (const auto& [site, alarm] : runner_->sync_alarms())
    reasons.push_back(fmt::format("{}: {}", site, alarm));
  if (const auto closed = page_gate_->closed()) reasons.push_back("intake pauses: " + *closed);
  if (const auto counts = co_await catalogue_->counts(); counts && encoder_)
    body["images"]["pending"] = counts->vectors_pending;
  if (const auto next = next_run()) body["next_run"] = next->time_since_epoch().count();
  const auto sites = co_await catalogue_->counts_by_site();
  if (sites) {
    body["sites"] = nlohmann::json::object();
    for (const auto& site : loaded_.sites)
      body["sites"][site.name] = {{"products", 0}, {"last_success", nullptr}};
    for (const auto& [site, note] : runner_->blocked())
      body["sites"][site]["blocked"] = {{"since", to_millis(note.since) / 1000}, {"seen", note.seen}};
    for (const auto& [site, when] : next_runs_)
      body["sites"][site]["next_run"] = when.time_since_epoch().count();
    for (const auto& site : loaded_.sites)
      if (const auto paused = paused_->since(site.name))
        body["sites"][site.name]["paused"] = to_millis(*paused) / 1000;
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

}  // namespace catwalk::daemon
