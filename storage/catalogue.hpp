#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/embedding.hpp"
#include "core/error.hpp"
#include "core/product.hpp"
#include "core/skipped_item.hpp"
#include "storage/layout.hpp"
#include "storage/product_events.hpp"
#include "storage/state_database.hpp"
#include "storage/sync_guard.hpp"

namespace catwalk::storage {

/// A row of `runs`; `id` is its rowid.
using run_id = std::int64_t;

/// What `pages` keeps of one page.
struct page_record {
  site_name site;
  std::string endpoint;
  int endpoint_index = 0;
  std::string url;
  std::string etag;
  std::string last_modified;
  std::string body_hash;
  std::string stanza_hash;  ///< of the site's stanza and the reader's version
  std::vector<product_id> listed;
  std::vector<skipped_item> skipped;  ///< a known product among them is not gone
  wall_time fetched{};                ///< when it was last asked for; find_page alone gives it
};

/// One page transaction: the products and what the page listed, together. `unchanged`: the page is as it was;
/// what it listed before counts as seen.
struct page_commit {
  run_id run = 0;
  page_record page;
  bool unchanged = false;
  bool asked = true;  ///< false: `unchanged` is not the shop's own word, which the page stays as old as
  std::vector<product> products;
  /// How the sink forms rows, to compare those that were adopted; nullptr: not known.
  std::shared_ptr<const layout> shape;
  /// Whether changes go to the sink: false where there is none.
  bool to_sink = true;
  /// The tower that vectors must come from; a product whose vector has another fingerprint is `stale`.
  std::string fingerprint;
  /// Images that were last asked for before this are asked for again; nullopt: none.
  std::optional<wall_time> images_older_than{};
  /// The place of the site's country in its `countries`; nullopt: its rows hold its own prices alone.
  std::optional<int> country_position{};
};

struct page_counts {
  int added = 0;
  int changed = 0;
  int unchanged = 0;
  int reappeared = 0;  ///< were gone, are back
  int images_due = 0;  ///< products that now wait for a vector
};

/// A row that the sink holds, as far as it says what product it is.
struct adoptable_row {
  product item;            ///< with the sink's id, and the site that it belongs to
  nlohmann::json columns;  ///< as read, without vectors
  bool has_vector = false;
  std::optional<embedding> vector;  ///< to be taken into the catalogue
  /// The table keeps products under ids of its own: one that is found by its address keeps the row's.
  bool by_address = true;
};

struct adoption_counts {
  int adopted = 0;  ///< rows that no product of the catalogue stands for yet
  int known = 0;    ///< rows of products that the catalogue has
  int vectors = 0;  ///< taken over
};

/// How one listing of a site came through.
struct endpoint_reading {
  std::string endpoint;
  bool complete = false;
};

/// What a run has read of one site, all its listings.
struct site_listing {
  run_id run = 0;
  site_name site;
  std::vector<endpoint_reading> endpoints;
};

/// What happens to the products of a site that nothing lists any more.
struct sync_request {
  enum class kind {
    count,   ///< they are counted as missed, and stay
    remove,  ///< their rows leave the sink
    mark,    ///< their rows stay, out of stock
  } action = kind::count;
  sync_guard::settings guard;
  std::optional<std::int64_t> allow_deletes;
  bool to_sink = true;
};

struct sync_outcome {
  /// A country of which too much is gone at once.
  struct held_scope {
    std::string country;
    int gone = 0, rows = 0, most = 0;
  };
  int gone = 0;         ///< let go now
  int missed = 0;       ///< not seen, but not by enough runs yet
  int held_back = 0;    ///< gone, but the guard keeps them
  int gone_in_all = 0;  ///< the number that permits those too
  std::vector<held_scope> held;
};

struct sync_preview {
  struct product_gone {
    product_id id;
    std::string title;
  };
  sync_outcome outcome;
  std::vector<product_gone> gone;  ///< those that the guard keeps among them
};

/// What is known of an image that has a vector.
struct known_image {
  std::string fingerprint;  ///< of the vector
  std::string etag, last_modified;
  std::string content_sha256;  ///< empty: not known (the vector was adopted)
};

/// An image that wants a vector or is to be asked for again, and the products that share it.
struct due_image {
  std::string url;
  site_name site;    ///< of one of the products
  int attempts = 0;  ///< failed tries so far
  std::optional<known_image> known{};
};

/// An image is still the one that was embedded.
struct image_confirmation {
  std::string image_url;
  std::string etag, last_modified;  ///< as the answer has them; empty: as before
  std::string content_sha256;       ///< empty: as before
};

/// What became of an image.
struct vector_commit {
  std::string image_url;
  std::string content_sha256;
  std::string etag;
  std::string last_modified;
  embedding vector;
};
struct image_failure {
  std::string image_url;
  error why;
  /// nullopt: not tried again until the address changes (a broken image, a 404).
  std::optional<wall_time> next_try;
};

enum class run_state {
  running,
  done,
  partly,  ///< came to its end, but not everything went well
  failed,
  interrupted,  ///< the process stopped; a job's slot is taken up again
  cancelled     ///< a person ended it
};

struct run_summary {
  run_id id = 0;
  std::string job;  ///< the job's name; "manual" for `catwalk scrape`
  wall_time started{};
  std::optional<wall_time> finished;
  run_state state = run_state::running;
  std::string counts_json;  ///< object of counters by name
  std::string errors_json;  ///< array of texts
};

/// A slot of a job's schedule that has had a run.
struct taken_slot {
  std::string job;
  wall_time slot{};
  bool interrupted = false;  ///< its run broke off and can be taken up again
};

struct catalogue_counts {
  std::int64_t products = 0;  ///< not gone
  std::int64_t gone = 0;
  std::int64_t vectors_ready = 0;
  std::int64_t vectors_pending = 0;
  std::int64_t vectors_failed = 0;
  std::int64_t vectors_stale = 0;
};

struct site_counts {
  site_name site;
  std::int64_t products = 0;
  std::int64_t vectors_ready = 0;
  std::optional<wall_time> last_success;
};

/// One product as the catalogue holds it.
struct catalogue_entry {
  product item;
  std::string vector_state;  ///< ready | pending | failed | stale | none
  std::string vector_error;  ///< why it failed; may be empty
  std::optional<embedding> vector;
  wall_time first_seen{}, last_seen{};
  std::optional<wall_time> gone_at;
  std::vector<product_change> history;  ///< the latest `most_changes`, oldest first; find() alone fills it
};

/// How a product that was just read compares with the catalogue (for `--dry-run`).
struct comparison {
  product_id id;
  enum class kind { added, changed, unchanged } what = kind::added;
  std::vector<std::string> changed_fields;  ///< of an adopted row: columns
};

/// A product near a query.
struct neighbour {
  float score;  ///< cosine
  product item;
  wall_time first_seen{}, last_seen{};
  std::optional<wall_time> price_changed;  ///< nullopt: never since it is on record
};

/// The products, their pages, images, vectors and runs, in the state database. Awaitables complete on the
/// caller's executor after the change is durable. Any error leaves the catalogue as it was.
class catalogue {
 public:
  /// `search_memory`: what the index of `nearest` may take, in bytes (`search.memory`).
  explicit catalogue(std::shared_ptr<state_database> db, std::uint64_t search_memory = 640'000'000);

  /// A slot that an interrupted run left is taken up again under its old id; `invalid_argument` when the
  /// slot's run is going on or ended otherwise.
  boost::asio::awaitable<result<run_id>> begin_run(std::string job, std::optional<wall_time> slot);
  /// Also settles the run, where it is `done` or `partly`.
  boost::asio::awaitable<result<void>> end_run(run_id run, run_state state, std::string counts_json,
                                               std::string errors_json);
  boost::asio::awaitable<result<std::vector<run_summary>>> recent_runs(int limit);
  boost::asio::awaitable<result<std::optional<run_summary>>> find_run(run_id run);
  /// The latest 200 slots of each job that had a run, latest first.
  boost::asio::awaitable<result<std::vector<taken_slot>>> taken_slots();
  /// Marks runs that a crash left `running` as `interrupted`; returns how many.
  boost::asio::awaitable<result<int>> close_interrupted_runs();
  boost::asio::awaitable<result<void>> note_site_success(site_name site, wall_time when);

  boost::asio::awaitable<result<std::optional<page_record>>> find_page(site_name site, std::string endpoint,
                                                                       std::string url);
  /// Whether any page of the site is on record.
  boost::asio::awaitable<result<bool>> has_pages(site_name site);
  /// Durable when it succeeds. `patience`: how long the page may wait for others, with which it then shares
  /// the transaction; one that fails leaves those others whole.
  boost::asio::awaitable<result<page_counts>> commit_page(page_commit page,
                                                          std::chrono::milliseconds patience = {});
  /// Commits the pages that wait for others now.
  void hurry();
  /// Once every page of a run is read: writes the rows that a lower listing brought and that no higher one
  /// confirmed (see page_transaction). Their images and outbox rows may then be due. `read`: all sites of the
  /// run; one that broke off has no listings.
  boost::asio::awaitable<result<page_counts>> settle_run(run_id run, std::vector<site_listing> read);
  /// At the end of a site's reading, where nothing limited it: what complete listings no longer hold is
  /// counted as missed, and goes where `request` says so and its guard permits.
  boost::asio::awaitable<result<sync_outcome>> sync(site_listing read, sync_request request);
  /// What sync() would do if exactly `seen` had been seen; changes nothing.
  boost::asio::awaitable<result<sync_preview>> preview_sync(site_listing read, std::vector<product_id> seen,
                                                            sync_request request);
  /// `wanted` says how the sink's rows are written: a row that was adopted and that no run has read yet is
  /// compared as the table keeps it.
  boost::asio::awaitable<result<std::vector<comparison>>> compare(std::vector<product> products,
                                                                  layout::settings wanted);

  /// Images whose vector is due now (pending, or failed with the next try reached) or that are to be asked
  /// for again, oldest first, without those in `skip` (in flight already).
  boost::asio::awaitable<result<std::vector<due_image>>> due_images(wall_time now, int limit,
                                                                    std::vector<std::string> skip);
  /// Makes the vectors of another tower than `fingerprint` stale and due, so that one space is not searched
  /// with the vectors of another; adopted ones stay. Returns how many products that concerns.
  boost::asio::awaitable<result<int>> expire_vectors(std::string fingerprint);
  /// Makes every image that waits for its next try due now: someone asks for a run. Returns how many
  /// products.
  boost::asio::awaitable<result<int>> retry_images_now();
  /// One batch transaction: vectors and the outbox rows that they release.
  boost::asio::awaitable<result<void>> commit_vectors(std::vector<vector_commit> batch, bool to_sink);
  boost::asio::awaitable<result<void>> commit_image_failure(image_failure failure, bool to_sink);
  boost::asio::awaitable<result<void>> confirm_image(image_confirmation image, bool to_sink);

  /// Takes over rows that the sink holds; see adoption.hpp.
  boost::asio::awaitable<result<adoption_counts>> adopt(std::vector<adoptable_row> rows,
                                                        std::shared_ptr<const layout> shape);
  /// The vector of an image, where it counts as made by the tower `fingerprint`.
  boost::asio::awaitable<result<std::optional<embedding>>> vector_of(std::string image_url,
                                                                     std::string fingerprint);
  /// A note that outlives the process; nullopt: none.
  boost::asio::awaitable<result<std::optional<std::string>>> note(std::string name);
  boost::asio::awaitable<result<void>> set_note(std::string name, std::optional<std::string> value);

  boost::asio::awaitable<result<catalogue_counts>> counts();
  boost::asio::awaitable<result<std::vector<site_counts>>> counts_by_site();
  boost::asio::awaitable<result<std::optional<catalogue_entry>>> find(product_id id);
  /// Whether the address is that of a product's picture, as the shop wrote it.
  boost::asio::awaitable<result<bool>> lists_image(std::string address);
  /// Addresses of pictures that have a vector, drawn at random.
  boost::asio::awaitable<result<std::vector<std::string>>> sample_images(int count);
  /// Every product that the run saw, in the order of its ids; `each` is called off the loop.
  boost::asio::awaitable<result<void>> for_each_of_run(
      run_id run, std::function<result<void>(const catalogue_entry&)> each);
  /// Exact nearest neighbours by cosine, best first, among products that are not gone and whose vector has
  /// `fingerprint`. `site` narrows. `invalid_config`: more vectors than search_memory holds.
  boost::asio::awaitable<result<std::vector<neighbour>>> nearest(std::vector<float> query, int k,
                                                                 std::string fingerprint,
                                                                 std::optional<site_name> site);
  /// The same among the products that `filter` lets through.
  boost::asio::awaitable<result<std::vector<neighbour>>> nearest_of(std::vector<float> query, int k,
                                                                    std::string fingerprint,
                                                                    struct product_filter filter);

 private:
  std::shared_ptr<state_database> db_;
  std::shared_ptr<class vector_index> vectors_;
};

}  // namespace catwalk::storage
