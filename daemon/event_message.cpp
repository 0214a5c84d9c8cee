#include "daemon/event_message.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/json_text.hpp"
#include "core/sha256.hpp"
#include "daemon/time_text.hpp"
#include "storage/run_rows.hpp"

namespace catwalk::daemon {

namespace {

using nlohmann::json;
using storage::product_offer;
using storage::recorded_event;

json or_null(const std::optional<std::string>& text) {
  return text ? json(*text) : json();
}

/// In major units.
std::optional<double> amount_of(const product_offer& offer) {
  const auto& text = offer.sale_amount ? offer.sale_amount : offer.price_amount;
  double amount = 0;
  if (!text) return std::nullopt;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), amount);
  if (ec != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return amount;
}

bool is_drop(const recorded_event& e) {
  if (!e.before || e.offer.currency != e.before->currency) return false;
  const auto now = amount_of(e.offer), then = amount_of(*e.before);
  return now && then && *now < *then;
}

bool is_back(const recorded_event& e) {
  if (e.kind == "back") return e.offer.availability != "out_of_stock";
  return e.before && e.before->availability == "out_of_stock" && e.offer.availability == "in_stock";
}

std::vector<std::string> types_of(const recorded_event& e) {
  if (e.kind == "new" || e.kind == "gone" || e.kind == "job_failed") return {e.kind};
  std::vector<std::string> types;
  if (is_drop(e)) types.emplace_back("price_drop");
  if (is_back(e)) types.emplace_back("back_in_stock");
  return types;
}

json offer_json(const product_offer& o) {
  return {{"price", or_null(o.price)},
          {"sale", or_null(o.sale)},
          {"price_amount", or_null(o.price_amount)},
          {"sale_amount", or_null(o.sale_amount)},
          {"currency", or_null(o.currency)},
          {"availability", o.availability}};
}

json product_data(const recorded_event& e) {
  const auto& p = *e.item;
  auto data = offer_json(e.offer);
  data.update({{"id", p.id.str()},
               {"site", p.site.str()},
               {"source", p.source},
               {"country", p.country},
               {"title", p.title},
               {"brand", or_null(p.brand)},
               {"category", or_null(p.category)},
               {"product_url", p.product_url},
               {"image_url", p.image_url},
               {"before", e.before ? offer_json(*e.before) : json()},
               {"run", e.run}});
  return data;
}

json run_data(const recorded_event& e) {
  if (!e.ended) return {{"run", e.run}};
  const auto errors = json::parse(e.ended->errors_json, nullptr, false);
  return {{"run", e.run},
          {"job", e.ended->job},
          {"state", storage::name_of(e.ended->state)},
          {"started", time_text(e.ended->started)},
          {"finished", time_json(e.ended->finished)},
          {"errors", errors.is_array() ? errors : json::array()}};
}

/// From what happened, not from its number alone: a state that was restored gives numbers again.
std::string id_of(const recorded_event& e, const std::string& type) {
  const auto about = e.item ? e.item->id.str() : std::string("run");
  return "evt_" + sha256_hex(type + ' ' + about + ' ' + std::to_string(e.run) + ' ' +
                             std::to_string(to_millis(e.at)) + ' ' + std::to_string(e.number))
                      .substr(0, 32);
}

}  // namespace

std::vector<event_message> messages_of(const recorded_event& event, const std::vector<std::string>& wanted) {
  std::vector<event_message> messages;
  if (!event.item && event.kind != "job_failed") return messages;  // retention was quicker
  for (auto& type : types_of(event)) {
    if (std::find(wanted.begin(), wanted.end(), type) == wanted.end()) continue;
    const json body{{"type", type},
                    {"timestamp", time_text(event.at)},
                    {"data", event.item ? product_data(event) : run_data(event)}};
    auto id = id_of(event, type);
    messages.push_back({std::move(id), std::move(type), json_text(body)});
  }
  return messages;
}

}  // namespace catwalk::daemon
