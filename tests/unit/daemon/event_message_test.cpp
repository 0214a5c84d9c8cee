#include "daemon/event_message.hpp"

#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::daemon;
using strings = std::vector<std::string>;

namespace {

const strings everything{"price_drop", "back_in_stock", "new", "gone", "job_failed"};

storage::recorded_event event(const std::string& kind, storage::product_offer offer,
                              std::optional<storage::product_offer> before) {
  storage::recorded_event e;
  e.number = 7;
  e.run = 3;
  e.at = from_millis(1'795'858'202'000);
  e.kind = kind;
  e.item.emplace();
  e.item->id = product_id("id-a");
  e.item->site = site_name("Shop");
  e.item->title = "Shirt";
  e.offer = std::move(offer);
  e.before = std::move(before);
  return e;
}

storage::product_offer offer(const std::string& amount, const std::string& availability = "in_stock",
                             std::optional<std::string> sale = std::nullopt,
                             const std::string& currency = "USD") {
  storage::product_offer o;
  o.price_amount = amount;
  o.price = amount + currency;
  o.sale_amount = std::move(sale);
  o.currency = currency;
  o.availability = availability;
  return o;
}

strings types(const storage::recorded_event& e, const strings& wanted = everything) {
  strings told;
  for (const auto& m : messages_of(e, wanted)) told.push_back(m.type);
  return told;
}

}  // namespace

TEST_CASE("an event is told as what it is, where someone asked for it") {
  CHECK(types(event("new", offer("10"), {})) == strings{"new"});
  CHECK(types(event("gone", offer("10"), offer("10"))) == strings{"gone"});
  CHECK(types(event("new", offer("10"), {}), {"gone"}).empty());
  CHECK(types(event("price", offer("9.5"), offer("10"))) == strings{"price_drop"});
  CHECK(types(event("price", offer("10"), offer("9.5"))).empty());
  CHECK(types(event("price", offer("10", "in_stock", "8"), offer("9"))) == strings{"price_drop"});
  CHECK(types(event("price", offer("10", "in_stock", "8", "EUR"), offer("9"))).empty());
  CHECK(types(event("price", offer("not a number"), offer("9"))).empty());
  CHECK(types(event("availability", offer("10"), offer("10", "out_of_stock"))) == strings{"back_in_stock"});
  CHECK(types(event("availability", offer("10", "out_of_stock"), offer("10"))).empty());
  CHECK(types(event("availability", offer("10"), offer("10", "unknown"))).empty());
  CHECK(types(event("back", offer("9"), offer("10"))) == strings{"price_drop", "back_in_stock"});
  CHECK(types(event("back", offer("10", "out_of_stock"), offer("10"))).empty());
  auto forgotten = event("new", offer("10"), {});
  forgotten.item.reset();
  CHECK(types(forgotten).empty());
}

TEST_CASE("a message holds the offer, the one before, and an id that stays") {
  const auto e = event("back", offer("9"), offer("10"));
  const auto messages = messages_of(e, everything);
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].id != messages[1].id);
  CHECK(messages_of(e, everything)[0].id == messages[0].id);
  auto later = e;
  later.at += std::chrono::seconds(1);
  CHECK(messages_of(later, everything)[0].id != messages[0].id);
  const auto body = nlohmann::json::parse(messages[0].body);
  CHECK(body["type"] == "price_drop");
  CHECK(body["timestamp"] == "2026-11-28T09:30:02Z");
  CHECK(body["data"]["id"] == "id-a");
  CHECK(body["data"]["price_amount"] == "9");
  CHECK(body["data"]["before"]["price_amount"] == "10");
}

TEST_CASE("a job that failed is told with its errors") {
  storage::recorded_event e;
  e.kind = "job_failed";
  e.run = 4;
  storage::run_summary run;
  run.job = "nightly";
  run.state = storage::run_state::partly;
  run.errors_json = R"(["Shop: 503"])";
  e.ended = run;
  const auto messages = messages_of(e, everything);
  REQUIRE(messages.size() == 1);
  const auto data = nlohmann::json::parse(messages[0].body)["data"];
  CHECK(data["job"] == "nightly");
  CHECK(data["state"] == "partly");
  CHECK(data["errors"] == nlohmann::json::array({"Shop: 503"}));
}
