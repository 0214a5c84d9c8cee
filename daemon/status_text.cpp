#include "daemon/status_text.hpp"

#include <spdlog/fmt/fmt.h>

namespace catwalk::daemon {

namespace {

using nlohmann::json;

std::int64_t number(const json& of, const char* key) {
  return of.is_object() && of.contains(key) && of[key].is_number() ? of[key].get<std::int64_t>() : 0;
}

std::string text(const json& of, const char* key) {
  return of.is_object() && of.contains(key) && of[key].is_string() ? of[key].get<std::string>() : "";
}

const json& part(const json& of, const char* key) {
  static const json none = json::object();
  return of.is_object() && of.contains(key) ? of[key] : none;
}

std::string line(std::string_view name, std::string_view says) {
  return fmt::format("{:<10} {}\n", name, says);
}

std::string ago(const json& site, wall_time now) {
  const auto when = number(site, "last_success");
  if (when == 0) return "never read to its end";
  const auto since = to_millis(now) / 1000 - when;
  return "read " + rough_time(std::chrono::seconds(std::max<std::int64_t>(since, 0))) + " ago";
}

std::string site_line(const std::string& name, const json& site, wall_time now) {
  std::string says = fmt::format("{} products, {} vectors, {}", with_commas(number(site, "products")),
                                 with_commas(number(site, "vectors")), ago(site, now));
  if (const auto& blocked = part(site, "blocked"); !blocked.empty())
    says += ", blocked: " + text(blocked, "seen");
  if (number(site, "paused") > 0)
    says += ", paused";
  else if (const auto next = number(site, "next_run"); next > 0)
    says += ", next in " +
            rough_time(std::chrono::seconds(std::max<std::int64_t>(next - to_millis(now) / 1000, 0)));
  return fmt::format("  {:<20} {}\n", name, says);
}

}  // namespace

std::string rough_time(std::chrono::seconds time) {
  const auto s = time.count();
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  if (s < 86400) return fmt::format("{} h {} min", s / 3600, s / 60 % 60);
  return fmt::format("{} d {} h", s / 86400, s / 3600 % 24);
}

std::string with_commas(std::int64_t number) {
  const auto digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool between = i > 0 && digits[i - 1] != '-' && (digits.size() - i) % 3 == 0;
    if (between) text += ',';
    text += digits[i];
  }
  return text;
}

std::string status_text(const json& health, wall_time now) {
  std::string out;
  const auto state = text(health, "status");
  out += line("catwalk", fmt::format("{}, up {}", text(health, "version"),
                                     rough_time(std::chrono::seconds(number(health, "uptime_seconds")))));
  out += line("status", state.empty() ? "unknown" : state);
  const auto& reasons = part(health, "reasons");
  for (const auto& reason : reasons)
    out += line("", reason.is_string() ? reason.get<std::string>() : reason.dump());
  if (const auto& model = part(health, "model"); !model.empty())
    out +=
        line("model",
             fmt::format("{} ({} numbers{})", text(model, "name"), number(model, "dim"),
                         model.is_object() && model.value("untrained", json()) == true ? ", untrained" : ""));
  out += line("runs", fmt::format("{} under way", number(health, "runs_active")));
  if (const auto& images = part(health, "images"); !images.empty()) {
    auto says = fmt::format("{} embedded, {} failed", with_commas(number(images, "embedded")),
                            with_commas(number(images, "failed")));
    if (const auto waiting = number(images, "pending"); waiting > 0)
      says += fmt::format(", {} to do", with_commas(waiting));
    out += line("images", says);
  }
  if (const auto& outbox = part(health, "outbox"); !outbox.empty()) {
    auto says = fmt::format("{} waiting, {} sent, {} refused", with_commas(number(outbox, "waiting")),
                            with_commas(number(outbox, "sent")), with_commas(number(outbox, "dead")));
    out += line("rows", says);
    if (const auto why = text(outbox, "last_error"); !why.empty()) out += line("", why);
  }
  if (const auto& notify = part(health, "notify");
      number(notify, "waiting") > 0 || notify.contains("last_error")) {
    out += line("notify", fmt::format("{} waiting, {} told", with_commas(number(notify, "waiting")),
                                      with_commas(number(notify, "told"))));
    if (const auto why = text(notify, "last_error"); !why.empty()) out += line("", why);
  }
  const auto& sites = part(health, "sites");
  if (!sites.empty()) out += "sites\n";
  for (const auto& [name, site] : sites.items()) out += site_line(name, site, now);
  return out;
}

}  // namespace catwalk::daemon
