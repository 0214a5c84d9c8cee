#include "storage/sync_transaction.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "storage/country_prices.hpp"
#include "storage/image_rows.hpp"
#include "storage/outbox_rows.hpp"
#include "storage/product_events.hpp"

namespace catwalk::storage {
namespace {

/// The products of a site that nothing lists, and the rows of each of its countries.
struct missing_products {
  struct entry {
    product_id id;
    std::string country;
    std::int64_t missed;
  };
  std::vector<entry> entries;
  std::map<std::string, std::int64_t> rows;  ///< by country
};

std::map<std::string, std::int64_t> rows_by_country(sqlite::connection& db, const site_name& site) {
  std::map<std::string, std::int64_t> rows;
  auto s = db.prepare(
      "select coalesce(fields ->> '$.country', ''), count(*) from products where site = ?1 and gone_at is "
      "null "
      "group by 1");
  s.bind(site.str());
  while (s.step()) rows[s.text(0)] = s.integer(1);
  return rows;
}

/// The guard's question, by country, and whose answer it is.
struct question {
  std::vector<sync_guard::scope> scopes;
  std::vector<std::vector<product_id>> gone;  ///< by scope
  int still_counted = 0;                      ///< missed, but not often enough
};

question ask(const missing_products& missing, const sync_guard& guard) {
  std::map<std::string, std::vector<product_id>> gone;
  question q;
  for (const auto& e : missing.entries) {
    if (guard.counts_as_gone(e.missed))
      gone[e.country].push_back(e.id);
    else
      ++q.still_counted;
  }
  for (auto& [country, ids] : gone) {
    q.scopes.push_back({country, missing.rows.at(country), static_cast<std::int64_t>(ids.size())});
    q.gone.push_back(std::move(ids));
  }
  return q;
}

sync_outcome outcome_of(const question& q, const sync_guard& guard, const sync_guard::decision& d) {
  sync_outcome o;
  o.missed = q.still_counted;
  o.held_back = static_cast<int>(d.held_back);
  o.gone_in_all = static_cast<int>(d.gone);
  for (std::size_t i = 0; i < q.scopes.size(); ++i) {
    const auto& s = q.scopes[i];
    if (d.permitted[i])
      o.gone += static_cast<int>(s.gone);
    else
      o.held.push_back(
          {s.country, static_cast<int>(s.gone), static_cast<int>(s.rows), static_cast<int>(guard.most(s))});
  }
  return o;
}

/// Which listings of a site keep what they used to hold.
class kept_listings {
 public:
  struct known {
    std::int64_t number;
    std::string endpoint;
    bool tried = false;
    bool kept = false;
  };
  /// `lists_something`: whether a listing, by its number, has given a product in this run.
  template <class Check>
  kept_listings(sqlite::connection& db, const site_listing& read, Check lists_something) {
    std::map<std::string, bool> complete;
    for (const auto& e : read.endpoints) complete[e.endpoint] = e.complete;
    auto s = db.prepare("select number, endpoint from endpoints where site = ?1");
    s.bind(read.site.str());
    while (s.step()) listings_.push_back({s.integer(0), s.text(1)});
    for (auto& l : listings_) {
      const auto found = complete.find(l.endpoint);
      if (found == complete.end()) continue;
      l.tried = true;
      l.kept = !found->second || !lists_something(l);
      complete.erase(found);
    }
    const bool way_lost = std::any_of(complete.begin(), complete.end(), [](auto& e) { return !e.second; });
    for (auto& l : listings_)
      if (!l.tried) l.kept = way_lost;
  }
  const std::vector<known>& all() const noexcept { return listings_; }

 private:
  std::vector<known> listings_;
};

}  // namespace

bool sync_transaction::forget_unlisted(const site_listing& read) {
  const kept_listings listings(db_, read, [&](const kept_listings::known& l) {
    auto s = db_.prepare("select 1 from listings where endpoint = ?1 and run >= ?2 limit 1");
    s.bind(l.number, read.run);
    return s.step();
  });
  bool whole = !read.endpoints.empty();
  for (const auto& e : read.endpoints) whole = whole && e.complete;
  for (const auto& l : listings.all()) {
    if (l.kept) {
      whole = false;
      continue;
    }
    db_.run("delete from listings where endpoint = ?1 and run < ?2", l.number, read.run);
    db_.run("delete from pages where site = ?1 and endpoint = ?2 and run < ?3", read.site.str(), l.endpoint,
            read.run);
    if (!l.tried)
      db_.run(
          "delete from endpoints where number = ?1 and not exists (select 1 from listings where endpoint = "
          "?1)",
          l.number);
  }
  return whole;
}

sync_outcome sync_transaction::carry_out(const site_listing& read, const sync_request& request) {
  const bool whole = forget_unlisted(read);
  country_prices prices(db_);
  const auto dropped = prices.drop_unlisted(read.site.str());
  for (const auto& id : dropped) prices.rewrite(id, request.to_sink, now_);
  if (!dropped.empty()) prices.forget_pages_of_followers(read.site.str());
  db_.run(
      "update products set missed = missed + 1 where site = ?1 and gone_at is null and not exists "
      "(select 1 from listings l where l.product = products.number) and "
      "(?2 or not exists (select 1 from adopted a where a.id = products.id))",
      read.site.str(), whole);
  if (request.action == sync_request::kind::count) return {};

  missing_products missing;
  missing.rows = rows_by_country(db_, read.site);
  {
    auto s = db_.prepare(
        "select id, coalesce(fields ->> '$.country', ''), missed from products where site = ?1 and gone_at "
        "is "
        "null and missed > 0 and not exists (select 1 from listings l where l.product = products.number) "
        "order by number");
    s.bind(read.site.str());
    while (s.step()) missing.entries.push_back({product_id(s.text(0)), s.text(1), s.integer(2)});
  }
  const sync_guard guard(request.guard, request.allow_deletes);
  const auto q = ask(missing, guard);
  const auto d = guard.decide(q.scopes);
  for (std::size_t i = 0; i < q.scopes.size(); ++i)
    if (d.permitted[i]) let_go(q.gone[i], read.run, request);
  return outcome_of(q, guard, d);
}

void sync_transaction::let_go(const std::vector<product_id>& gone, run_id run, const sync_request& request) {
  product_events events(db_, now_);
  for (const auto& id : gone) {
    db_.run("update products set gone_at = ?2, next_try = null where id = ?1", id.str(), to_millis(now_));
    events.record(id, run, "gone");
    if (!request.to_sink) continue;
    if (request.action == sync_request::kind::mark)
      enqueue_upsert(db_, id, fields_part, false, now_);
    else
      enqueue_delete(db_, id, now_);
  }
  if (!gone.empty()) bump_vectors_version(db_);
}

sync_preview sync_transaction::preview(const site_listing& read, const std::vector<product_id>& seen,
                                       const sync_request& request) {
  std::set<std::string> stays;
  for (const auto& id : seen) stays.insert(id.str());
  const kept_listings listings(db_, read, [&](const kept_listings::known& l) {
    auto s = db_.prepare(
        "select p.id from listings l join products p on p.number = l.product where l.endpoint = ?1");
    s.bind(l.number);
    while (s.step())
      if (stays.count(s.text(0)) > 0) return true;
    return false;
  });
  std::set<std::string> kept;
  for (const auto& l : listings.all())
    if (l.kept) kept.insert(l.endpoint);
  {
    auto s = db_.prepare(
        "select p.id, e.site, e.endpoint from products p join listings l on l.product = p.number join "
        "endpoints e on e.number = l.endpoint where p.site = ?1 and p.gone_at is null");
    s.bind(read.site.str());
    std::vector<std::string> more;
    while (s.step())
      if (s.text(1) != read.site.str() || kept.count(s.text(2)) > 0) more.push_back(s.text(0));
    stays.insert(more.begin(), more.end());
  }
  bool through = kept.empty() && !read.endpoints.empty();
  for (const auto& e : read.endpoints) through = through && e.complete;
  if (!through) {
    auto s = db_.prepare("select id from adopted");
    while (s.step()) stays.insert(s.text(0));
  }
  missing_products missing;
  missing.rows = rows_by_country(db_, read.site);
  std::map<std::string, std::string> titles;
  {
    auto s = db_.prepare(
        "select id, coalesce(fields ->> '$.country', ''), missed + 1, fields ->> '$.title' from products "
        "where "
        "site = ?1 and gone_at is null order by number");
    s.bind(read.site.str());
    while (s.step()) {
      if (stays.count(s.text(0)) > 0) continue;
      missing.entries.push_back({product_id(s.text(0)), s.text(1), s.integer(2)});
      titles[s.text(0)] = s.text(3);
    }
  }
  const sync_guard guard(request.guard, request.allow_deletes);
  const auto q = ask(missing, guard);
  sync_preview p;
  p.outcome = outcome_of(q, guard, guard.decide(q.scopes));
  for (const auto& ids : q.gone)
    for (const auto& id : ids) p.gone.push_back({id, titles[id.str()]});
  return p;
}

}  // namespace catwalk::storage
