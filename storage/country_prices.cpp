#include "storage/country_prices.hpp"

#include <set>
#include <utility>

#include "core/product_text.hpp"
#include "storage/outbox_rows.hpp"

namespace catwalk::storage {

struct country_prices::noted {
  int position = 0;
  std::string site;
  std::optional<std::string> price, sale, currency;
};

bool country_prices::any() const {
  auto s = db_.prepare("select 1 from country_prices limit 1");
  return s.step();
}

void country_prices::note(const product& p, int position) {
  db_.run(
      "insert or replace into country_prices (id, position, site, price, sale, currency) "
      "values (?1, ?2, ?3, ?4, ?5, ?6)",
      p.id.str(), position, p.site.str(), p.price, p.sale, p.currency);
}

void country_prices::forget(const product_id& id) {
  db_.run("delete from country_prices where id = ?1", id.str());
}

bool country_prices::follows(const product_id& id, const std::string& site, int position) const {
  auto s = db_.prepare("select 1 from country_prices where id = ?1 and site = ?2 and position < ?3");
  s.bind(id.str(), site, position);
  return s.step();
}

std::vector<country_prices::noted> country_prices::noted_of(const product_id& id) const {
  std::vector<noted> prices;
  auto s = db_.prepare(
      "select position, site, price, sale, currency from country_prices where id = ?1 order by position");
  s.bind(id.str());
  while (s.step())
    prices.push_back({static_cast<int>(s.integer(0)), s.text(1), s.optional_text(2), s.optional_text(3),
                      s.optional_text(4)});
  return prices;
}

void country_prices::join(product& p, const std::vector<noted>& prices) {
  if (prices.empty()) return;
  std::string price, sale;
  std::set<std::string> currencies;
  const auto add = [](std::string& to, const std::optional<std::string>& part) {
    if (part) to += (to.empty() ? "" : ",") + *part;
  };
  for (const noted& one : prices) {
    if (one.currency && !currencies.insert(*one.currency).second) continue;
    add(price, one.price);
    add(sale, one.sale);
  }
  p.price = price.empty() ? std::nullopt : std::optional(std::move(price));
  p.sale = sale.empty() ? std::nullopt : std::optional(std::move(sale));
}

void country_prices::join(product& p) const {
  join(p, noted_of(p.id));
}

std::optional<product> country_prices::preview(const product& p) const {
  auto prices = noted_of(p.id);
  const noted* mine = nullptr;
  for (noted& one : prices) {
    if (one.site != p.site.str()) continue;
    one = {one.position, one.site, p.price, p.sale, p.currency};
    mine = &one;
  }
  if (mine == nullptr) return std::nullopt;
  product row = p;
  auto s = db_.prepare("select site, fields from products where id = ?1 and gone_at is null");
  s.bind(p.id.str());
  if (s.step() && follows(p.id, s.text(0), mine->position)) row = product_from_text(s.text(1));
  join(row, prices);
  return row;
}

bool country_prices::rewrite(const product_id& id, bool to_sink, wall_time now) {
  std::string text;
  std::optional<std::string> in_sink;
  bool held = false;
  {
    auto s = db_.prepare(
        "select fields, sink_hash, vector_state = 'pending' from products where id = ?1 and gone_at is null");
    s.bind(id.str());
    if (!s.step()) return false;
    text = s.text(0);
    in_sink = s.optional_text(1);
    held = s.integer(2) != 0;
  }
  product p = product_from_text(text);
  const std::string before = p.field_hash();
  join(p);
  const std::string hash = p.field_hash();
  if (to_sink && in_sink != hash) {
    enqueue_upsert(db_, id, fields_part, held, now);
    db_.run("update products set sink_hash = ?2 where id = ?1", id.str(), hash);
  }
  if (hash == before) return false;
  db_.run("update products set fields = ?2, field_hash = ?3 where id = ?1", id.str(), to_text(p), hash);
  return true;
}

std::vector<product_id> country_prices::drop_unlisted(const std::string& site) {
  std::vector<product_id> ids;
  auto s = db_.prepare(
      "delete from country_prices where site = ?1 and not exists (select 1 from products p join listings l "
      "on "
      "l.product = p.number join endpoints e on e.number = l.endpoint where p.id = country_prices.id and "
      "e.site = ?1) returning id");
  s.bind(site);
  while (s.step()) ids.emplace_back(s.text(0));
  return ids;
}

void country_prices::forget_pages_of_followers(const std::string& site) {
  // By its stanza: validators come back with an answer that is on its way. All of a listing: a feed's parts
  // are known by its whole.
  db_.run(
      "update pages set stanza_hash = '' where (site, endpoint) in (select e.site, e.endpoint "
      "from products p join country_prices c on c.id = p.id and c.site <> p.site "
      "join listings l on l.product = p.number join endpoints e on e.number = l.endpoint and e.site = c.site "
      "where p.site = ?1 and p.gone_at is null and not exists (select 1 from country_prices mine "
      "where mine.id = p.id and mine.site = p.site))",
      site);
}

}  // namespace catwalk::storage
