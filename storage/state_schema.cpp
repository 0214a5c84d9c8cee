#include "storage/state_schema.hpp"

#include <spdlog/spdlog.h>

#include <array>
#include <string>

namespace catwalk::storage {
namespace {

// Times are milliseconds since the epoch. `products.next_try`: when its image is due, null when it is not
// (ready and not to be asked for again, or given up). `products.vector_url`: the image whose vector the
// product has, which after a change of the image stays the old one until the new one is embedded.
// `products.row_run`: the run in which the row was written or confirmed by the listing that it comes from.
// `products.sink_hash`, `sink_vector`: what the outbox was last given, so that the same is not sent again.
// `outbox.held`: not due before its vector is ready or has failed once.
constexpr std::string_view first = R"sql(
create table runs (
  id integer primary key,
  job text not null,
  slot integer,
  started integer not null,
  finished integer,
  state text not null,
  counts text not null default '{}',
  errors text not null default '[]'
) strict;
create unique index runs_by_slot on runs (job, slot) where slot is not null;

create table sites (
  name text primary key,
  last_success integer
) strict, without rowid;

create table facts (
  name text primary key,
  value text not null
) strict, without rowid;

create table pages (
  site text not null,
  endpoint text not null,
  url text not null,
  endpoint_index integer not null,
  etag text not null,
  last_modified text not null,
  body_hash text not null,
  stanza_hash text not null,
  listed text not null,
  run integer not null,
  fetched integer not null,
  primary key (site, endpoint, url)
) strict, without rowid;

create table products (
  number integer primary key,
  id text not null unique,
  site text not null,
  endpoint_index integer not null,
  fields text not null,
  field_hash text not null,
  image_url text not null,
  first_seen integer not null,
  last_seen integer not null,
  last_run integer not null,
  row_run integer not null,
  gone_at integer,
  vector_state text not null,
  vector_url text,
  next_try integer,
  sink_hash text,
  sink_vector text,
  sink_key text
) strict;
create index products_by_image on products (image_url);
create index products_by_run on products (last_run);
create index products_due on products (next_try) where next_try is not null;

create table deferred_products (
  id text primary key,
  run integer not null,
  endpoint_index integer not null,
  product text not null,
  fingerprint text not null,
  to_sink integer not null
) strict, without rowid;
create index deferred_by_run on deferred_products (run);

create table images (
  url text primary key,
  etag text not null default '',
  last_modified text not null default '',
  content_sha256 text not null default '',
  vector blob,
  crc32c integer,
  fingerprint text,
  model text,
  precision text,
  decode text,
  device text,
  untrained integer not null default 0,
  embedded integer,
  attempts integer not null default 0,
  next_try integer,
  last_error text
) strict;

create table outbox (
  sink text not null,
  key text not null,
  seq integer not null,
  op text not null,
  parts integer not null,
  held integer not null,
  attempts integer not null default 0,
  next_try integer not null default 0,
  last_error text,
  history text not null default '[]',
  created integer not null,
  primary key (sink, key)
) strict, without rowid;
create index outbox_due on outbox (sink, held, next_try, seq);
create table outbox_sequence (next integer not null) strict;
insert into outbox_sequence values (1);

create table failures (
  id integer primary key,
  sink text not null,
  key text not null,
  op text not null,
  parts integer not null,
  payload text not null,
  reason text not null,
  sink_code text not null,
  sink_words text not null,
  attempts text not null,
  died integer not null
) strict;
create index failures_by_key on failures (sink, key);
)sql";

// `listings`: which listing held a product when it was last read, and in which run. A product that no row
// names is listed nowhere. `products.missed`: how many complete runs in a row have not seen it.
constexpr std::string_view second = R"sql(
create table endpoints (
  number integer primary key,
  site text not null,
  endpoint text not null,
  unique (site, endpoint)
) strict;
create table listings (
  endpoint integer not null,
  product integer not null,
  run integer not null,
  primary key (endpoint, product)
) strict, without rowid;
create index listings_by_product on listings (product);
insert into endpoints (site, endpoint) select distinct site, endpoint from pages;
insert into listings (endpoint, product, run)
  select e.number, p.number, max(g.run) from pages g
  join endpoints e on e.site = g.site and e.endpoint = g.endpoint
  join json_each(g.listed) l join products p on p.id = l.value
  group by 1, 2;
alter table products add column missed integer not null default 0;
create index products_by_site on products (site, gone_at);
)sql";

// `adopted`: rows of the sink that no run has seen yet, each a product under the sink's own id; `row` is what
// was read, `product_url` null where the sink's keys do not follow addresses.
constexpr std::string_view third = R"sql(
create table adopted (
  id text primary key,
  source text not null,
  product_url text,
  row text not null
) strict, without rowid;
create index adopted_by_address on adopted (source, product_url) where product_url is not null;
)sql";

// `events`: what changed of a product (new | price | availability | gone | back) and what it cost and whether
// it was in stock from then on; `first` is what was on record before anything was seen to change. A number is
// never given twice, since readers remember how far they came. `product` is a `products.number`; null for
// `job_failed`.
constexpr std::string_view events_step = R"sql(
create table events (
  number integer primary key autoincrement,
  product integer,
  run integer not null,
  at integer not null,
  kind text not null,
  price text,
  sale text,
  price_amount text,
  sale_amount text,
  currency text,
  availability text
) strict;
create index events_by_product on events (product, number);
create trigger events_of_product after delete on products begin
  delete from events where product = old.number;
end;
insert into events (product, run, at, kind, price, sale, price_amount, sale_amount, currency, availability)
  select number, last_run, last_seen, 'first', fields ->> '$.price', fields ->> '$.sale',
    fields ->> '$.price_amount', fields ->> '$.sale_amount', fields ->> '$.currency',
    fields ->> '$.availability'
  from products order by number;
insert into events (product, run, at, kind, price, sale, price_amount, sale_amount, currency, availability)
  select number, last_run, gone_at, 'gone', fields ->> '$.price', fields ->> '$.sale',
    fields ->> '$.price_amount', fields ->> '$.sale_amount', fields ->> '$.currency',
    fields ->> '$.availability'
  from products where gone_at is not null order by number;
)sql";

// `texts`: vectors of products' texts, by the SHA-256 of the text. `products.text_hash`: the text that was
// last looked at; `text_due`: the fields changed since, or the vector is another model's. `sink_text`: the
// vector of a text that the outbox was last given, as `sink_vector`; 'adopted' where the sink's row had one.
constexpr std::string_view texts_step = R"sql(
create table texts (
  hash text primary key,
  vector blob not null,
  crc32c integer not null,
  fingerprint text not null,
  model text not null,
  precision text not null,
  device text not null,
  untrained integer not null,
  embedded integer not null
) strict, without rowid;
alter table products add column text_hash text;
alter table products add column text_due integer not null default 1;
alter table products add column sink_text text;
create index products_text_due on products (number) where text_due = 1;
create index products_by_text on products (text_hash) where text_hash is not null;
create trigger text_of_product after update of fields on products when old.fields <> new.fields begin
  update products set text_due = 1 where number = new.number;
end;
)sql";

// `images.checked`: when its shop last said, or its bytes showed, that it is still the one that was embedded;
// null: not since it was embedded.
constexpr std::string_view revalidation_step = R"sql(
alter table images add column checked integer;
)sql";

// `country_prices`: see country_prices.hpp; `position` is the country's place in `countries`.
constexpr std::string_view countries_step = R"sql(
create table country_prices (
  id text not null,
  position integer not null,
  site text not null,
  price text,
  sale text,
  currency text,
  primary key (id, position)
) strict, without rowid;
create index country_prices_by_site on country_prices (site);
)sql";

// For what runs often or holds the writer up: the rows that are due, in their order; the counts, without a
// look at the products; pictures that only an older vector keeps.
// `deferred_products.waits`: a run left it out, for the next run of its site.
constexpr std::string_view indexes_step = R"sql(
drop index outbox_due;
create index outbox_due on outbox (sink, held, seq, next_try);
drop index products_by_site;
create index products_by_site on products (site, gone_at, vector_state);
create index products_by_older_vector on products (vector_url) where vector_url <> image_url;
alter table deferred_products add column waits integer not null default 0;
)sql";

// Who has a row of the sink that bears an older id.
constexpr std::string_view sink_keys_step = R"sql(
create index products_by_sink_key on products (sink_key) where sink_key is not null;
)sql";

// `pages.skipped`: what of the page was not turned into a product, each as {reason, item, id}.
constexpr std::string_view skipped_step = R"sql(
alter table pages add column skipped text not null default '[]';
)sql";

constexpr std::array<std::string_view, 10> steps{
    first,          second,       third,          events_step, texts_step, revalidation_step,
    countries_step, indexes_step, sink_keys_step, skipped_step};

std::int64_t pragma(sqlite::connection& db, const char* name) {
  auto s = db.prepare(std::string("pragma ") + name);
  return s.step() ? s.integer(0) : 0;
}

bool has_tables(sqlite::connection& db) {
  auto s = db.prepare("select 1 from sqlite_master limit 1");
  return s.step();
}

/// The copy that is made before the step from `version`.
std::filesystem::path copy_before(const std::filesystem::path& file, std::size_t version) {
  return file.string() + ".before-v" + std::to_string(version + 1);
}

}  // namespace

std::span<const std::string_view> state_migrations() {
  return steps;
}

result<void> migrate(sqlite::connection& db, const std::filesystem::path& file,
                     std::span<const std::string_view> wanted) try {
  const auto version = pragma(db, "user_version");
  if (version > static_cast<std::int64_t>(wanted.size())) {
    // What the newer one kept before it went beyond this one's version.
    auto copy = copy_before(file, wanted.size());
    for (auto known = wanted.size(); known > 0 && !std::filesystem::exists(copy); --known)
      copy = copy_before(file, known - 1);
    const std::string back = std::filesystem::exists(copy)
                                 ? "go back to what it was with `catwalk state restore " + copy.string() + "`"
                                 : "give this one another state folder (state.dir)";
    return error{errc::state_newer, "cannot open the state database", file.string(),
                 "it has version " + std::to_string(version) + ", this catwalk knows up to " +
                     std::to_string(wanted.size()),
                 "run the newer catwalk, or " + back};
  }
  if (has_tables(db) && (version == 0 || pragma(db, "application_id") != state_application_id))
    return error{errc::state_damaged, "cannot open the state database", file.string(),
                 "it is an SQLite database, but not one of catwalk's",
                 "give catwalk another state folder (state.dir)"};
  for (auto step = static_cast<std::size_t>(version); step < wanted.size(); ++step) {
    // One copy, of what the version before knows; a database that is being made holds nothing yet.
    if (version > 0 && step == static_cast<std::size_t>(version)) {
      const auto copy = copy_before(file, step);
      std::filesystem::remove(copy);
      db.back_up_to(copy);
      spdlog::info("copied the state database to {} before its migration", copy.string());
    }
    db.execute("begin immediate");
    try {
      db.execute(std::string(wanted[step]));
      db.execute("pragma application_id=" + std::to_string(state_application_id));
      db.execute("pragma user_version=" + std::to_string(step + 1));
      db.execute("commit");
    } catch (const sqlite::failure&) {
      if (db.in_transaction()) db.execute("rollback");
      throw;
    }
  }
  return {};
} catch (const sqlite::failure& f) {
  return sqlite::to_error(f, "cannot migrate the state database", file.string());
} catch (const std::filesystem::filesystem_error& f) {
  return error{errc::io, "cannot migrate the state database", file.string(), f.code().message(), ""};
}

}  // namespace catwalk::storage
