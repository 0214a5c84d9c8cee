#include "storage/product_events.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "core/json_text.hpp"

namespace catwalk::storage {
namespace {

constexpr std::string_view offer_of_product =
    "fields ->> '$.price', fields ->> '$.sale', fields ->> '$.price_amount', fields ->> '$.sale_amount', "
    "fields ->> '$.currency', coalesce(fields ->> '$.availability', 'unknown')";

/// A text as it reads back from `products.fields`, where bytes that are not UTF-8 have become U+FFFD.
std::string as_kept(const std::string& text) {
  const auto is_ascii = [](unsigned char c) { return c < 0x80; };
  if (std::all_of(text.begin(), text.end(), is_ascii)) return text;
  return nlohmann::json::parse(json_text(text)).get<std::string>();
}

std::optional<std::string> as_kept(const std::optional<std::string>& text) {
  return text ? std::optional(as_kept(*text)) : std::nullopt;
}

}  // namespace

bool product_offer::same_price(const product_offer& other) const {
  return std::tie(price, sale, price_amount, sale_amount, currency) ==
         std::tie(other.price, other.sale, other.price_amount, other.sale_amount, other.currency);
}

product_offer read_offer(const sqlite::statement& row, int first) {
  return {row.optional_text(first),     row.optional_text(first + 1), row.optional_text(first + 2),
          row.optional_text(first + 3), row.optional_text(first + 4), row.text(first + 5)};
}

void product_events::record(const product_id& id, std::int64_t run, std::string_view kind) {
  db_.run(
      "insert into events (product, run, at, kind, price, sale, price_amount, sale_amount, currency, "
      "availability) select number, ?2, ?3, ?4, " +
          std::string(offer_of_product) + " from products where id = ?1",
      id.str(), run, to_millis(now_), kind);
}

void product_events::record_new(std::int64_t number, const product& p, std::int64_t run) {
  db_.run(
      "insert into events (product, run, at, kind, price, sale, price_amount, sale_amount, currency, "
      "availability) values (?1, ?2, ?3, 'new', ?4, ?5, ?6, ?7, ?8, ?9)",
      number, run, to_millis(now_), as_kept(p.price), as_kept(p.sale), as_kept(p.price_amount),
      as_kept(p.sale_amount), as_kept(p.currency), as_kept(p.availability));
}

void product_events::written(const product_id& id, std::int64_t run) {
  product_offer offer, before;
  std::int64_t product = 0;
  {
    auto s = db_.prepare("select number, " + std::string(offer_of_product) + " from products where id = ?1");
    s.bind(id.str());
    if (!s.step()) return;
    product = s.integer(0);
    offer = read_offer(s, 1);
  }
  std::int64_t number = 0;
  bool just_came = false;
  {
    auto s =
        db_.prepare("select number, kind in ('new', 'back') and run = ?2, " + std::string(offer_columns) +
                    " from events where product = ?1 order by number desc limit 1");
    s.bind(product, run);
    if (!s.step()) {
      s.reset();
      return record(id, run, "first");
    }
    number = s.integer(0);
    just_came = s.integer(1) != 0;
    before = read_offer(s, 2);
  }
  if (offer == before) return;
  if (!just_came) return record(id, run, offer.same_price(before) ? "availability" : "price");
  db_.run(
      "update events set price = ?2, sale = ?3, price_amount = ?4, sale_amount = ?5, currency = ?6, "
      "availability = ?7 where number = ?1",
      number, offer.price, offer.sale, offer.price_amount, offer.sale_amount, offer.currency,
      offer.availability);
}

std::vector<product_change> changes_of(sqlite::connection& db, const product_id& id) {
  std::vector<product_change> changes;
  auto s = db.prepare("select at, kind, " + std::string(offer_columns) +
                      " from events where product = (select number from products where id = ?1) "
                      "order by number desc limit ?2");
  s.bind(id.str(), most_changes);
  while (s.step()) changes.push_back({from_millis(s.integer(0)), s.text(1), read_offer(s, 2)});
  std::reverse(changes.begin(), changes.end());
  return changes;
}

}  // namespace catwalk::storage
