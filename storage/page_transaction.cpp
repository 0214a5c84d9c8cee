#include "storage/page_transaction.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/product_text.hpp"
#include "storage/adoption.hpp"
#include "storage/country_prices.hpp"
#include "storage/image_rows.hpp"
#include "storage/outbox_rows.hpp"
#include "storage/page_rows.hpp"
#include "storage/product_events.hpp"

namespace catwalk::storage {
/// A product as a page gave it. `fields` is null where the page is unchanged: then it is as it was.
struct page_transaction::reading {
  product_id id;
  std::string site;
  int endpoint_index = 0;
  const product* fields = nullptr;
  run_id run = 0;
  bool to_sink = true;
  std::string fingerprint;
  std::optional<wall_time> images_older_than{};
};

struct page_transaction::stored {
  std::int64_t number = 0;
  std::string site;
  int endpoint_index = 0;
  std::string field_hash;
  std::string image_url;
  run_id row_run = 0;
  bool gone = false;
  std::string vector_state;
  std::optional<std::string> vector_url;
  std::optional<std::int64_t> next_try;
  std::optional<std::string> sink_hash, sink_vector;

  /// The product is back: its image, which lost its turn when the product went, has it again.
  void give_turn_back(const image_status& image) {
    const bool wants_vector = vector_state != "ready" && vector_state != "none";
    if (wants_vector && !next_try) next_try = image.attempts > 0 ? image.next_try : 0;
  }
};

page_counts page_transaction::commit(const page_commit& page) {
  page_counts counts;
  reading r;
  r.site = page.page.site.str();
  r.endpoint_index = page.page.endpoint_index;
  r.run = page.run;
  r.to_sink = page.to_sink;
  r.fingerprint = page.fingerprint;
  r.images_older_than = page.images_older_than;
  const auto endpoint = endpoint_number(page.page);
  {
    auto s = db_.prepare("select 1 from adopted limit 1");
    adopted_ = s.step();
  }
  {
    auto s = db_.prepare("select 1 from deferred_products limit 1");
    has_deferred_ = s.step();
  }
  if (page.unchanged) {
    if (auto before = find_page(db_, page.page.site, page.page.endpoint, page.page.url)) {
      for (auto& id : before->listed) {
        r.id = std::move(id);
        list(endpoint, see(r, counts), page.run);
      }
      see_skipped(before->skipped, endpoint, page.run);
    }
  } else {
    country_prices prices(db_);
    const bool joined = page.country_position || prices.any();
    product row;
    for (const auto& p : page.products) {
      r.id = p.id;
      r.endpoint_index = p.endpoint_index;
      r.fields = &p;
      if (page.country_position) {
        prices.note(p, *page.country_position);
        if (add_price(r, *page.country_position, counts)) {
          list(endpoint, number_of(p.id), page.run);
          continue;
        }
        row = p;
        prices.join(row);
        r.fields = &row;
      } else if (joined) {
        prices.forget(p.id);
      }
      if (adopted_) adoption(db_, now_).take_over(*r.fields, page.shape.get());
      list(endpoint, see(r, counts), page.run);
    }
    see_skipped(page.page.skipped, endpoint, page.run);
  }
  write_page(page);
  finish();
  return counts;
}

void page_transaction::see_skipped(const std::vector<skipped_item>& items, std::int64_t endpoint,
                                   run_id run) {
  for (const skipped_item& item : items) {
    if (item.id.empty()) continue;
    list(endpoint, number_of(item.id), run);
    db_.run("update products set missed = 0, last_seen = ?2 where id = ?1 and gone_at is null", item.id.str(),
            to_millis(now_));
  }
}

void page_transaction::finish() {
  enqueue_upserts(db_, std::exchange(due_, {}), now_);
  if (std::exchange(vectors_changed_, false)) bump_vectors_version(db_);
}

std::optional<std::int64_t> page_transaction::see(const reading& r, page_counts& counts) {
  std::optional<stored> before;
  {
    auto s = db_.prepare(
        "select number, site, endpoint_index, field_hash, image_url, row_run, gone_at is not null, "
        "vector_state, vector_url, next_try, sink_hash, sink_vector from products where id = ?1");
    s.bind(r.id.str());
    if (s.step())
      before = stored{s.integer(0),
                      s.text(1),
                      static_cast<int>(s.integer(2)),
                      s.text(3),
                      s.text(4),
                      s.integer(5),
                      s.integer(6) != 0,
                      s.text(7),
                      s.optional_text(8),
                      s.optional_integer(9),
                      s.optional_text(10),
                      s.optional_text(11)};
  }
  if (!before && !r.fields) return std::nullopt;  // an unchanged page that lists what retention has removed
  // Indexes of two sites say nothing about each other.
  const bool lower = before && before->site == r.site && r.endpoint_index < before->endpoint_index;
  // An unchanged page can confirm only the row that came from it.
  const bool foreign =
      before && !r.fields && (before->site != r.site || before->endpoint_index != r.endpoint_index);
  if (!(lower || foreign)) return write(r, before ? &*before : nullptr, counts);

  if (lower && r.fields && before->row_run != r.run) defer(r);
  if (before->gone) {
    ++counts.reappeared;
    vectors_changed_ = true;
    before->give_turn_back(find_image(db_, before->image_url));
    if (r.to_sink) due_.push_back({r.id, fields_part | vector_part, before->vector_state == "pending"});
  } else {
    ++counts.unchanged;
  }
  db_.run(
      "update products set last_seen = ?2, last_run = ?3, next_try = ?4, gone_at = null, missed = 0 "
      "where id = ?1",
      r.id.str(), to_millis(now_), r.run, before->next_try);
  if (before->gone) product_events(db_, now_).record(r.id, r.run, "back");
  return before->number;
}

bool page_transaction::add_price(const reading& r, int position, page_counts& counts) {
  std::string site;
  {
    auto s = db_.prepare("select site from products where id = ?1 and gone_at is null");
    s.bind(r.id.str());
    if (!s.step()) return false;
    site = s.text(0);
  }
  country_prices prices(db_);
  if (site == r.site || !prices.follows(r.id, site, position)) return false;
  ++(prices.rewrite(r.id, r.to_sink, now_) ? counts.changed : counts.unchanged);
  db_.run("update products set last_seen = ?2, last_run = ?3, missed = 0 where id = ?1", r.id.str(),
          to_millis(now_), r.run);
  return true;
}

std::int64_t page_transaction::write(const reading& r, const stored* before, page_counts& counts) {
  std::optional<product_text> text;
  if (r.fields) text.emplace(*r.fields);
  const std::string hash = text ? text->field_hash() : before->field_hash;
  const std::string& image_url = r.fields ? r.fields->image_url : before->image_url;
  const bool same_image = before && before->image_url == image_url;
  const auto image = find_image(db_, image_url);

  stored after = before ? *before : stored();
  std::string& state = after.vector_state;
  std::optional<std::string>& vector_url = after.vector_url;
  if (image_url.empty()) {
    state = "none";
    vector_url.reset();
    after.next_try.reset();
  } else if (image.current(r.fingerprint)) {
    // A vector whose image could not be fetched again stays stale until it can.
    if (!(same_image && state == "stale" && image.attempts > 0)) {
      state = "ready";
      after.next_try.reset();
      if (r.images_older_than && image.checked < to_millis(*r.images_older_than)) after.next_try = 0;
    }
    vector_url = image_url;
  } else if (same_image && image.has_vector && vector_url == image_url) {
    state = "stale";
    if (image.attempts == 0) after.next_try = 0;
  } else if (!same_image && image.attempts > 0 && !image.has_vector) {
    state = vector_url ? "stale" : "failed";
    after.next_try = image.next_try;
  } else if (!same_image) {
    state = "pending";
    after.next_try = 0;
  }

  const bool changed = !before || before->field_hash != hash;
  const bool reappeared = before && before->gone;
  if (reappeared) after.give_turn_back(image);
  const bool waits = state == "pending";
  if (r.to_sink) {
    int parts = 0;
    if (after.sink_hash != hash || reappeared) parts |= fields_part;
    const bool ready = state == "ready";
    if (ready && (after.sink_vector != image.mark(image_url) || reappeared)) parts |= vector_part;
    if (!ready && reappeared && vector_url) {
      // Its row has to be made anew, and the vector of the older picture belongs to it.
      const auto older = find_image(db_, *vector_url);
      if (older.current(r.fingerprint)) {
        parts |= vector_part;
        after.sink_vector = older.mark(*vector_url);
      }
    }
    if (parts != 0) due_.push_back({r.id, parts, waits});
    after.sink_hash = hash;
    if (ready) after.sink_vector = image.mark(image_url);
  }

  if (!before || before->vector_url != vector_url || reappeared) vectors_changed_ = true;
  if (waits && !(before && before->vector_state == "pending")) ++counts.images_due;
  if (!before)
    ++counts.added;
  else if (reappeared)
    ++counts.reappeared;
  else if (changed && before->row_run != r.run)
    ++counts.changed;
  else
    ++counts.unchanged;

  const auto now = to_millis(now_);
  std::int64_t number = before ? before->number : 0;
  if (!before) {
    db_.run(
        "insert into products (id, site, endpoint_index, fields, field_hash, image_url, first_seen, "
        "last_seen, last_run, "
        "row_run, vector_state, vector_url, next_try, sink_hash, sink_vector) "
        "values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?8, ?9, ?10, ?11, ?12, ?13)",
        r.id.str(), r.site, r.endpoint_index, std::move(*text).whole(), hash, image_url, now, r.run, state,
        vector_url, after.next_try, after.sink_hash, after.sink_vector);
    number = db_.last_row();
  } else {
    db_.run(
        "update products set site = ?2, endpoint_index = ?3, field_hash = ?4, image_url = ?5, last_seen = "
        "?6, "
        "last_run = ?7, row_run = ?7, vector_state = ?8, vector_url = ?9, next_try = ?10, sink_hash = ?11, "
        "sink_vector = ?12, gone_at = null, missed = 0 where id = ?1",
        r.id.str(), r.site, r.endpoint_index, hash, image_url, now, r.run, state, vector_url, after.next_try,
        after.sink_hash, after.sink_vector);
    if (changed)
      db_.run("update products set fields = ?2 where id = ?1", r.id.str(), std::move(*text).whole());
  }
  product_events events(db_, now_);
  if (!before)
    events.record_new(number, *r.fields, r.run);
  else if (reappeared)
    events.record(r.id, r.run, "back");
  else if (changed)
    events.written(r.id, r.run);
  if (has_deferred_)
    db_.run("delete from deferred_products where id = ?1 and endpoint_index <= ?2", r.id.str(),
            r.endpoint_index);
  return number;
}

struct page_transaction::deferred {
  run_id run = 0;
  std::string id, site, json, fingerprint;
  int endpoint_index = 0;
  bool to_sink = true;
  bool waits = false;
};

void page_transaction::defer(const reading& r) {
  has_deferred_ = true;
  db_.run(
      "insert into deferred_products (id, run, endpoint_index, product, fingerprint, to_sink) "
      "values (?1, ?2, ?3, ?4, ?5, ?6) on conflict (id) do update set run = excluded.run, "
      "endpoint_index = excluded.endpoint_index, product = excluded.product, fingerprint = "
      "excluded.fingerprint, "
      "to_sink = excluded.to_sink where run <> excluded.run or endpoint_index <= excluded.endpoint_index",
      r.id.str(), r.run, r.endpoint_index, to_text(*r.fields), r.fingerprint, r.to_sink);
}

std::vector<page_transaction::deferred> page_transaction::deferred_rows(run_id run) {
  // A row that a higher listing confirmed in this run, or since its product waits, has won.
  auto s = db_.prepare(
      "select d.run, d.id, p.site, d.product, d.fingerprint, d.endpoint_index, d.to_sink, d.waits "
      "from deferred_products d join products p on p.id = d.id where (d.run = ?1 and p.row_run <> ?1) or "
      "(d.run <> ?1 and d.waits = 1 and p.row_run < d.run and p.gone_at is null) order by d.id");
  s.bind(run);
  std::vector<deferred> rows;
  while (s.step())
    rows.push_back({s.integer(0), s.text(1), s.text(2), s.text(3), s.text(4), static_cast<int>(s.integer(5)),
                    s.integer(6) != 0, s.integer(7) != 0});
  return rows;
}

bool page_transaction::may_still_hold(const deferred& row, const site_listing& read) {
  std::set<std::string> came_through;
  for (const auto& e : read.endpoints)
    if (e.complete) came_through.insert(e.endpoint);
  // Where everything did, what else held it is no longer read.
  if (!read.endpoints.empty() && came_through.size() == read.endpoints.size()) return false;
  auto s = db_.prepare(
      "select e.endpoint from products p join listings l on l.product = p.number join endpoints e on "
      "e.number = l.endpoint where p.id = ?1 and e.site = ?2 and exists (select 1 from pages g where g.site "
      "= "
      "e.site and g.endpoint = e.endpoint and g.endpoint_index > ?3)");
  s.bind(row.id, row.site, row.endpoint_index);
  while (s.step())
    if (came_through.count(s.text(0)) == 0) return true;
  return false;
}

page_counts page_transaction::settle(run_id run, const std::vector<site_listing>& read) {
  page_counts counts;
  for (const auto& row : deferred_rows(run)) {
    const auto site = std::find_if(read.begin(), read.end(),
                                   [&](const site_listing& one) { return one.site.str() == row.site; });
    if (site == read.end() && row.waits) continue;
    if (site != read.end() && !row.waits && may_still_hold(row, *site)) {
      db_.run("update deferred_products set waits = 1 where id = ?1", row.id);
      continue;
    }
    auto p = product_from_text(row.json);
    country_prices(db_).join(p);
    // Nothing higher came: the product is no longer where its row was from.
    db_.run("update products set endpoint_index = ?2 where id = ?1", p.id.str(), p.endpoint_index);
    see({p.id, p.site.str(), p.endpoint_index, &p, run, row.to_sink, row.fingerprint}, counts);
    db_.run("delete from deferred_products where id = ?1", row.id);
  }
  drop_deferred(run);
  db_.run(
      "delete from deferred_products where waits = 1 and run <> ?1 and not exists (select 1 from products p "
      "where p.id = deferred_products.id and p.row_run < deferred_products.run and p.gone_at is null)",
      run);
  finish();
  return counts;
}

void page_transaction::drop_deferred(run_id run) {
  db_.run("delete from deferred_products where run = ?1 and waits = 0", run);
}

void page_transaction::write_page(const page_commit& page) {
  const auto& p = page.page;
  const auto now = to_millis(now_);
  if (page.unchanged) {
    db_.run(
        "update pages set endpoint_index = ?4, run = ?5, fetched = iif(?9, ?6, fetched), etag = iif(?7 = '', "
        "etag, ?7), "
        "last_modified = iif(?8 = '', last_modified, ?8) where site = ?1 and endpoint = ?2 and url = ?3",
        p.site.str(), p.endpoint, p.url, p.endpoint_index, page.run, now, p.etag, p.last_modified,
        page.asked);
    return;
  }
  put_page(db_, p, page.run, now_);
}

std::int64_t page_transaction::endpoint_number(const page_record& page) {
  {
    auto s = db_.prepare("select number from endpoints where site = ?1 and endpoint = ?2");
    s.bind(page.site.str(), page.endpoint);
    if (s.step()) return s.integer(0);
  }
  auto s = db_.prepare("insert into endpoints (site, endpoint) values (?1, ?2) returning number");
  s.bind(page.site.str(), page.endpoint);
  s.step();
  return s.integer(0);
}

void page_transaction::list(std::int64_t endpoint, std::optional<std::int64_t> product, run_id run) {
  if (!product) return;
  db_.run(
      "insert into listings (endpoint, product, run) values (?1, ?2, ?3) on conflict (endpoint, product) do "
      "update set run = max(run, excluded.run)",
      endpoint, *product, run);
}

std::optional<std::int64_t> page_transaction::number_of(const product_id& id) {
  auto s = db_.prepare("select number from products where id = ?1 and gone_at is null");
  s.bind(id.str());
  return s.step() ? std::optional(s.integer(0)) : std::nullopt;
}

}  // namespace catwalk::storage
