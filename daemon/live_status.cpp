#include "daemon/live_status.hpp"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "daemon/run_json.hpp"
#include "daemon/site_overview.hpp"
#include "daemon/time_text.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
using nlohmann::json;

live_status::live_status(application& app)
    : app_(app), instance_(fmt::format("{:x}-{:x}", to_millis(wall_now()), getpid())) {}

json live_status::model_json() {
  auto* encoder = app_.encoder();
  if (encoder == nullptr) return nullptr;
  const auto& model = encoder->model();
  return {{"name", model.name},
          {"dim", model.dim},
          {"untrained", model.untrained},
          {"text", app_.texts() != nullptr}};
}

asio::awaitable<json> live_status::read() {
  auto health = co_await app_.current_health();
  if (steady_now() - counted_ >= count_every) {
    counted_ = steady_now();
    if (const auto counts = co_await app_.catalogue().counts()) counts_ = *counts;
  }
  json j{{"at", time_text(wall_now())},
         {"version", CATWALK_VERSION},
         {"instance", instance_},
         {"uptime_seconds", health.body["uptime_seconds"]},
         {"ready", app_.ready()},
         {"healthy", health.ok},
         {"reasons", health.body["reasons"]},
         {"model", model_json()},
         {"outbox", nullptr},
         {"catalogue",
          {{"products", counts_.products},
           {"gone", counts_.gone},
           {"vectors_ready", counts_.vectors_ready},
           {"vectors_pending", counts_.vectors_pending},
           {"vectors_failed", counts_.vectors_failed},
           {"vectors_stale", counts_.vectors_stale}}}};
  const auto stats = app_.encoder() != nullptr ? app_.encoder()->stats() : embed::encoder_stats{};
  j["queue"] = {{"items", stats.queue_items},
                {"bytes", stats.queue_bytes},
                {"limit_items", app_.settings().embed.queue_items},
                {"limit_bytes", app_.settings().embed.queue_bytes}};
  const auto images = app_.images() != nullptr ? app_.images()->counts() : image_counts{};
  j["images"] = {{"embedded", images.embedded},
                 {"failed", images.failed},
                 {"in_flight", app_.images() != nullptr ? app_.images()->in_flight() : 0},
                 {"pending", counts_.vectors_pending}};
  storage::writer_status rows;
  if (app_.writer() != nullptr) {
    rows = app_.writer()->status();
    j["outbox"] = {{"waiting", rows.waiting},
                   {"sent", rows.sent},
                   {"dead", rows.dead},
                   {"parked", rows.parked},
                   {"last_error", rows.last_error ? json(rows.last_error->to_string()) : json()}};
  }
  const auto next = app_.next_run();
  j["next_run"] = next ? json(time_text(*next)) : json();
  j["runs"] = json::array();
  for (const auto& run : app_.runs().under_way())
    j["runs"].push_back(running_run_json(run, images, counts_.vectors_pending,
                                         app_.writer() != nullptr ? &rows : nullptr, steady_now()));
  j["sites"] = json::array();
  for (const auto& site : app_.loaded().sites)
    j["sites"].push_back({{"name", site.name}, {"state", site_state(app_, site.name)}});
  co_return j;
}

bool differs(const json& before, const json& now) {
  if (!before.is_object()) return true;
  auto a = before, b = now;
  for (auto* j : {&a, &b})
    for (const auto* name : {"at", "uptime_seconds"}) j->erase(name);
  return a != b;
}

}  // namespace catwalk::daemon
