#include "storage/catalogue_browser.hpp"

#include "core/product_text.hpp"
#include "storage/run_rows.hpp"
#include "storage/state_operations.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;
using sqlite::connection;

namespace {

const std::string product_columns =
    "select p.number, p.fields, p.vector_state, p.first_seen, p.last_seen, p.gone_at, " +
    std::string(price_changed_column) + " from products p ";

listed_product read_product(const sqlite::statement& s) {
  listed_product one{s.integer(0),
                     product_from_text(s.text(1)),
                     s.text(2),
                     from_millis(s.integer(3)),
                     from_millis(s.integer(4)),
                     std::nullopt,
                     std::nullopt};
  if (const auto gone = s.optional_integer(5)) one.gone_at = from_millis(*gone);
  if (const auto changed = s.optional_integer(6)) one.price_changed = from_millis(*changed);
  return one;
}

std::vector<facet_value> values_of(connection& db, const std::string& expression,
                                   const std::optional<std::string>& site) {
  std::vector<facet_value> values;
  auto s = db.prepare("select " + expression +
                      " as value, count(*) from products p where p.gone_at is null and (?1 is null or "
                      "p.site = ?1) group by 1 having value is not null and value <> '' "
                      "order by 2 desc, 1 limit ?2");
  s.bind(site, catalogue_browser::most_values);
  while (s.step()) values.push_back({s.text(0), s.integer(1)});
  return values;
}

}  // namespace

asio::awaitable<result<std::vector<listed_product>>> catalogue_browser::products(
    product_filter filter, int limit, std::optional<std::int64_t> after) {
  auto work = [filter = std::move(filter), limit,
               after](connection& db) -> result<std::vector<listed_product>> {
    const product_condition condition(filter);
    auto s = db.prepare(product_columns + ("where " + condition.sql()) +
                        " and p.number < :before order by p.number desc limit :limit");
    const int place = condition.bind_to(s);
    s.bind_at(place, after.value_or(std::numeric_limits<std::int64_t>::max()));
    s.bind_at(place + 1, limit);
    std::vector<listed_product> found;
    while (s.step()) found.push_back(read_product(s));
    return found;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::int64_t>> catalogue_browser::count(product_filter filter) {
  auto work = [filter = std::move(filter)](connection& db) -> result<std::int64_t> {
    const product_condition condition(filter);
    auto s = db.prepare("select count(*) from products p where " + condition.sql());
    condition.bind_to(s);
    s.step();
    return s.integer(0);
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::optional<listed_product>>> catalogue_browser::product_of(product_id id) {
  auto work = [id = std::move(id)](connection& db) -> result<std::optional<listed_product>> {
    auto s = db.prepare(product_columns + "where p.id = ?1");
    s.bind(id.str());
    if (!s.step()) return std::optional<listed_product>();
    return std::optional<listed_product>(read_product(s));
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<product_facets>> catalogue_browser::facets(std::optional<std::string> site) {
  auto work = [site = std::move(site)](connection& db) -> result<product_facets> {
    return product_facets{values_of(db, "p.site", site), values_of(db, "p.fields ->> '$.category'", site),
                          values_of(db, "p.fields ->> '$.gender'", site),
                          values_of(db, "p.fields ->> '$.availability'", site),
                          values_of(db, "p.fields ->> '$.currency'", site)};
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::map<std::string, site_stock>>> catalogue_browser::stock() {
  auto work = [](connection& db) -> result<std::map<std::string, site_stock>> {
    std::map<std::string, site_stock> all;
    {
      auto s = db.prepare("select name, last_success from sites");
      while (s.step())
        if (const auto when = s.optional_integer(1))
          all[s.text(0)].last_success = from_millis(*when);
        else
          all[s.text(0)];
    }
    auto s = db.prepare(
        "select site, gone_at is not null, vector_state, count(*), sum(image_url <> '') from products "
        "group by 1, 2, 3");
    while (s.step()) {
      auto& site = all[s.text(0)];
      const auto n = s.integer(3);
      if (s.integer(1) != 0) {
        site.gone += n;
        continue;
      }
      site.products += n;
      site.with_image += s.integer(4);
      site.vectors[s.text(2)] += n;
    }
    return all;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::vector<listed_run>>> catalogue_browser::runs(int limit,
                                                                         std::optional<run_id> after,
                                                                         std::optional<std::string> site) {
  auto work = [limit, after, site = std::move(site)](connection& db) -> result<std::vector<listed_run>> {
    std::vector<listed_run> runs;
    auto s =
        db.prepare(std::string(run_columns) +
                   "where id < ?1 and (?2 is null or exists (select 1 from json_each(counts, '$.sites') e "
                   "where e.value ->> '$.site' = ?2)) order by id desc limit ?3");
    s.bind(after.value_or(std::numeric_limits<run_id>::max()), site, limit);
    while (s.step()) runs.push_back({read_run(s), read_slot(s)});
    return runs;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::optional<listed_run>>> catalogue_browser::run(run_id id) {
  auto work = [id](connection& db) -> result<std::optional<listed_run>> {
    auto s = db.prepare(std::string(run_columns) + "where id = ?1");
    s.bind(id);
    if (!s.step()) return std::optional<listed_run>();
    return std::optional<listed_run>({read_run(s), read_slot(s)});
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::optional<listed_run>>> catalogue_browser::run_before(run_id id) {
  auto work = [id](connection& db) -> result<std::optional<listed_run>> {
    auto s = db.prepare(std::string(run_columns) +
                        "where id < ?1 and state in ('done', 'partly') and job = (select job from runs where "
                        "id = ?1) order by id desc limit 1");
    s.bind(id);
    if (!s.step()) return std::optional<listed_run>();
    return std::optional<listed_run>({read_run(s), read_slot(s)});
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::map<std::string, run_summary>>> catalogue_browser::latest_runs() {
  auto work = [](connection& db) -> result<std::map<std::string, run_summary>> {
    std::map<std::string, run_id> ids;
    {
      auto s = db.prepare(
          "select e.value ->> '$.site', max(r.id) from runs r, json_each(r.counts, '$.sites') e where "
          "r.state <> 'running' group by 1");
      while (s.step()) ids.emplace(s.text(0), s.integer(1));
    }
    std::map<std::string, run_summary> latest;
    auto s = db.prepare(std::string(run_columns) + "where id = ?1");
    for (const auto& [site, id] : ids) {
      s.bind(id);
      if (s.step()) latest.emplace(site, read_run(s));
      s.reset();
    }
    return latest;
  };
  co_return co_await db_->internals().read(std::move(work));
}

}  // namespace catwalk::storage
