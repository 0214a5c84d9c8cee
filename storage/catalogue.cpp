#include "storage/catalogue.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "storage/adoption.hpp"
#include "storage/catalogue_reading.hpp"
#include "storage/image_rows.hpp"
#include "storage/outbox_rows.hpp"
#include "storage/page_rows.hpp"
#include "storage/page_transaction.hpp"
#include "storage/product_filter.hpp"
#include "storage/state_operations.hpp"
#include "storage/sync_transaction.hpp"
#include "storage/vector_index.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;
using sqlite::connection;

catalogue::catalogue(std::shared_ptr<state_database> db, std::uint64_t search_memory)
    : db_(std::move(db)), vectors_(std::make_shared<vector_index>(search_memory)) {}

asio::awaitable<result<std::optional<page_record>>> catalogue::find_page(site_name site, std::string endpoint,
                                                                         std::string url) {
  auto work = [site, endpoint, url](connection& db) -> result<std::optional<page_record>> {
    return storage::find_page(db, site, endpoint, url);
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<bool>> catalogue::has_pages(site_name site) {
  auto work = [site](connection& db) -> result<bool> {
    auto s = db.prepare("select 1 from pages where site = ?1 limit 1");
    s.bind(site.str());
    return s.step();
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<page_counts>> catalogue::commit_page(page_commit page,
                                                            std::chrono::milliseconds patience) {
  auto work = [page = std::move(page)](connection& db) -> result<page_counts> {
    return page_transaction(db, wall_now()).commit(page);
  };
  co_return co_await db_->internals().write(std::move(work), patience);
}

void catalogue::hurry() {
  db_->internals().hurry();
}

asio::awaitable<result<page_counts>> catalogue::settle_run(run_id run, std::vector<site_listing> read) {
  auto work = [run, read = std::move(read)](connection& db) -> result<page_counts> {
    return page_transaction(db, wall_now()).settle(run, read);
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<sync_outcome>> catalogue::sync(site_listing read, sync_request request) {
  auto work = [read = std::move(read), request](connection& db) -> result<sync_outcome> {
    return sync_transaction(db, wall_now()).carry_out(read, request);
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<sync_preview>> catalogue::preview_sync(site_listing read, std::vector<product_id> seen,
                                                              sync_request request) {
  auto work = [read = std::move(read), seen = std::move(seen),
               request](connection& db) -> result<sync_preview> {
    return sync_transaction(db, wall_now()).preview(read, seen, request);
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::vector<comparison>>> catalogue::compare(std::vector<product> products,
                                                                    layout::settings wanted) {
  auto work = [products = std::move(products),
               wanted = std::move(wanted)](connection& db) -> result<std::vector<comparison>> {
    std::vector<comparison> all;
    for (const auto& p : products) all.push_back(compare_with_stored(db, p, wanted));
    return all;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::vector<due_image>>> catalogue::due_images(wall_time now, int limit,
                                                                      std::vector<std::string> skip) {
  auto work = [now, limit, skip = std::move(skip)](connection& db) -> result<std::vector<due_image>> {
    std::set<std::string, std::less<>> taken(skip.begin(), skip.end());
    std::vector<due_image> due;
    auto s = db.prepare(
        "select p.image_url, p.site, coalesce(i.attempts, 0), i.vector is not null, i.fingerprint, i.etag, "
        "i.last_modified, i.content_sha256 from products p left join images i on i.url = p.image_url "
        "where p.next_try <= ?1 and p.gone_at is null order by p.next_try, p.number");
    s.bind(to_millis(now));
    while (static_cast<int>(due.size()) < limit && s.step()) {
      auto url = s.text(0);
      if (!taken.insert(url).second) continue;
      due.push_back({std::move(url), site_name(s.text(1)), static_cast<int>(s.integer(2))});
      if (s.integer(3) != 0) due.back().known = known_image{s.text(4), s.text(5), s.text(6), s.text(7)};
    }
    return due;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<int>> catalogue::retry_images_now() {
  auto work = [](connection& db) -> result<int> {
    return db.run("update products set next_try = 0 where next_try > ?1 and gone_at is null",
                  to_millis(wall_now()));
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<int>> catalogue::expire_vectors(std::string fingerprint) {
  auto work = [fingerprint = std::move(fingerprint)](connection& db) -> result<int> {
    return db.run(
        "update products set vector_state = 'stale', next_try = 0 where gone_at is null and next_try is null "
        "and "
        "vector_state in ('ready', 'stale') and exists (select 1 from images i where i.url = "
        "products.vector_url "
        "and i.attempts = 0 and i.fingerprint not in (?1, 'adopted'))",
        fingerprint);
  };
  co_return co_await db_->internals().write(std::move(work));
}

namespace {

/// The products of an image have its vector.
void make_ready(connection& db, const std::string& url, bool to_sink, wall_time now) {
  const auto mark = find_image(db, url).mark(url);
  struct holder {
    std::string id;
    bool sink_has_it;
  };
  std::vector<holder> holders;
  {
    auto s = db.prepare(
        "select id, coalesce(sink_vector = ?2, 0) from products where image_url = ?1 and gone_at is null");
    s.bind(url, mark);
    while (s.step()) holders.push_back({s.text(0), s.integer(1) != 0});
  }
  db.run("update products set vector_state = 'ready', vector_url = ?1, next_try = null where image_url = ?1",
         url);
  if (to_sink) {
    for (const auto& h : holders)
      if (!h.sink_has_it) enqueue_upsert(db, product_id(h.id), vector_part, false, now);
    db.run("update products set sink_vector = ?2 where image_url = ?1 and gone_at is null", url, mark);
  }
  release_held(db, url);
}

void commit_vector(connection& db, const vector_commit& image, bool to_sink, wall_time now) {
  write_vector(db, image, now);
  make_ready(db, image.image_url, to_sink, now);
}

}  // namespace

asio::awaitable<result<void>> catalogue::commit_vectors(std::vector<vector_commit> batch, bool to_sink) {
  auto work = [batch = std::move(batch), to_sink](connection& db) -> result<void> {
    for (const auto& image : batch) commit_vector(db, image, to_sink, wall_now());
    bump_vectors_version(db);
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<void>> catalogue::commit_image_failure(image_failure failure, bool to_sink) {
  auto work = [failure = std::move(failure), to_sink](connection& db) -> result<void> {
    write_image_failure(db, failure);
    std::optional<std::int64_t> next;
    if (failure.next_try) next = to_millis(*failure.next_try);
    db.run(
        "update products set vector_state = iif(vector_url is null, 'failed', 'stale'), next_try = ?2 where "
        "image_url = ?1",
        failure.image_url, next);
    if (to_sink) release_held(db, failure.image_url);
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<void>> catalogue::confirm_image(image_confirmation image, bool to_sink) {
  auto work = [image = std::move(image), to_sink](connection& db) -> result<void> {
    const auto now = wall_now();
    write_confirmation(db, image, now);
    make_ready(db, image.image_url, to_sink, now);
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<adoption_counts>> catalogue::adopt(std::vector<adoptable_row> rows,
                                                          std::shared_ptr<const layout> shape) {
  auto work = [rows = std::move(rows), shape = std::move(shape)](connection& db) -> result<adoption_counts> {
    return adoption(db, wall_now()).adopt(rows, *shape);
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<std::optional<embedding>>> catalogue::vector_of(std::string image_url,
                                                                       std::string fingerprint) {
  auto work = [image_url = std::move(image_url),
               fingerprint = std::move(fingerprint)](connection& db) -> result<std::optional<embedding>> {
    if (!find_image(db, image_url).current(fingerprint)) return std::optional<embedding>();
    return read_vector(db, image_url);
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::optional<std::string>>> catalogue::note(std::string name) {
  auto work = [name = std::move(name)](connection& db) -> result<std::optional<std::string>> {
    auto s = db.prepare("select value from facts where name = ?1");
    s.bind(name);
    if (!s.step()) return std::optional<std::string>();
    return std::optional<std::string>(s.text(0));
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<void>> catalogue::set_note(std::string name, std::optional<std::string> value) {
  auto work = [name = std::move(name), value = std::move(value)](connection& db) -> result<void> {
    if (value)
      db.run("insert or replace into facts (name, value) values (?1, ?2)", name, *value);
    else
      db.run("delete from facts where name = ?1", name);
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<catalogue_counts>> catalogue::counts() {
  auto work = [](connection& db) -> result<catalogue_counts> {
    catalogue_counts c;
    auto s = db.prepare(
        "select gone_at is not null, vector_state, count(*) from products group by site, gone_at, "
        "vector_state");
    while (s.step()) {
      const auto n = s.integer(2);
      if (s.integer(0) != 0) {
        c.gone += n;
        continue;
      }
      c.products += n;
      const auto state = s.text(1);
      if (state == "ready") c.vectors_ready += n;
      if (state == "pending") c.vectors_pending += n;
      if (state == "failed") c.vectors_failed += n;
      if (state == "stale") c.vectors_stale += n;
    }
    return c;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::vector<site_counts>>> catalogue::counts_by_site() {
  auto work = [](connection& db) -> result<std::vector<site_counts>> {
    std::vector<site_counts> all;
    auto s = db.prepare(
        "select n.name, count(p.number), coalesce(sum(p.vector_state = 'ready'), 0), s.last_success "
        "from (select name from sites union select distinct site from products) n "
        "left join sites s on s.name = n.name left join products p on p.site = n.name and p.gone_at is null "
        "group by n.name order by n.name");
    while (s.step()) {
      site_counts c{site_name(s.text(0)), s.integer(1), s.integer(2), std::nullopt};
      if (const auto when = s.optional_integer(3)) c.last_success = from_millis(*when);
      all.push_back(std::move(c));
    }
    return all;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::optional<catalogue_entry>>> catalogue::find(product_id id) {
  auto work = [id = std::move(id)](connection& db) -> result<std::optional<catalogue_entry>> {
    auto s = db.prepare("select " + std::string(entry_columns) +
                        " from products p left join images i on i.url = p.image_url where p.id = ?1");
    s.bind(id.str());
    if (!s.step()) return std::optional<catalogue_entry>();
    auto entry = read_entry(db, s);
    if (!entry) return entry.error();
    entry->history = changes_of(db, id);
    return std::optional<catalogue_entry>(std::move(*entry));
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<bool>> catalogue::lists_image(std::string address) {
  auto work = [address = std::move(address)](connection& db) -> result<bool> {
    auto s = db.prepare("select 1 from products where image_url = ?1 and gone_at is null limit 1");
    s.bind(address);
    return s.step();
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::vector<std::string>>> catalogue::sample_images(int count) {
  auto work = [count](connection& db) -> result<std::vector<std::string>> {
    auto s = db.prepare("select url from images where vector is not null order by random() limit ?1");
    s.bind(count);
    std::vector<std::string> drawn;
    while (s.step()) drawn.push_back(s.text(0));
    return drawn;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<void>> catalogue::for_each_of_run(
    run_id run, std::function<result<void>(const catalogue_entry&)> each) {
  auto work = [run, each = std::move(each)](connection& db) -> result<void> {
    auto s = db.prepare(
        "select " + std::string(entry_columns) +
        " from products p left join images i on i.url = p.image_url where p.last_run = ?1 order by p.id");
    s.bind(run);
    while (s.step()) {
      auto entry = read_entry(db, s);
      if (!entry) return entry.error();
      if (auto done = each(*entry); !done) return done.error();
    }
    return {};
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::vector<neighbour>>> catalogue::nearest(std::vector<float> query, int k,
                                                                   std::string fingerprint,
                                                                   std::optional<site_name> site) {
  auto work = [query = std::move(query), k, fingerprint = std::move(fingerprint), site = std::move(site),
               vectors = vectors_](connection& db) -> result<std::vector<neighbour>> {
    return vectors->search(db, query, k, fingerprint, site);
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::vector<neighbour>>> catalogue::nearest_of(std::vector<float> query, int k,
                                                                      std::string fingerprint,
                                                                      product_filter filter) {
  auto work = [query = std::move(query), k, fingerprint = std::move(fingerprint), filter = std::move(filter),
               vectors = vectors_](connection& db) -> result<std::vector<neighbour>> {
    std::optional<site_name> site;
    if (filter.site) site.emplace(*filter.site);
    if (filter.only_site()) return vectors->search(db, query, k, fingerprint, site);
    const product_condition condition(filter);
    auto s = db.prepare("select p.number from products p where " + condition.sql() + " order by 1");
    condition.bind_to(s);
    std::vector<std::int64_t> among;
    while (s.step()) among.push_back(s.integer(0));
    return vectors->search(db, query, k, fingerprint, site, &among);
  };
  co_return co_await db_->internals().read(std::move(work));
}

}  // namespace catwalk::storage
