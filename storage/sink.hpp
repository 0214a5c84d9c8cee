#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "core/error.hpp"
#include "core/http_client.hpp"
#include "core/product.hpp"
#include "storage/catalogue.hpp"
#include "storage/state_database.hpp"

namespace catwalk::storage {

class layout;

/// What the sink's table looks like, learned at start-up.
struct sink_description {
  std::string layout;                ///< catwalk | 2026-02 | 2025-10
  std::optional<int> vector_width;   ///< of the image vector's column; nullopt: not known
  bool takes_texts = false;          ///< a column takes the vectors of texts
  std::optional<int> text_width;     ///< of that column; nullopt: not known
  bool has_availability = false;     ///< rows can be marked as out of stock
  std::string role;                  ///< the database role behind the key; empty: not known
  std::optional<std::int64_t> rows;  ///< as the database estimates; nullopt: not known
  bool half_vectors = false;         ///< the column is a halfvec
  bool can_set_vectors = false;      ///< catwalk_set_vectors is there
  std::vector<std::string> warnings;
  std::string mending_sql;  ///< mends what the warnings name; empty where nothing is to be mended
};

/// A row as the sink holds it.
struct stored_row {
  std::string id;          ///< the column `id`, as text
  nlohmann::json columns;  ///< by name, without vectors
  bool has_vector = false;
  std::vector<float> vector;  ///< empty where it was not asked for
};

/// Which rows to read: in the order of their ids, page by page until a page is empty.
struct stored_rows_query {
  enum class kind {
    with_vector,
    without_vector,
    /// Without a vector, or with one that another model than `model` made.
    not_of_model,
    all
  } which = kind::all;
  std::optional<std::string> after;  ///< the last id of the page before
  int limit = 500;
  bool vectors = false;
  std::string model;
};

/// A vector for a row that is there.
struct vector_update {
  std::string id;
  embedding vector;
};

/// One row to send; the payload is built from it at that moment.
struct sink_row {
  product_id key;
  std::int64_t seq = 0;
  bool is_delete = false;
  product item;
  std::optional<embedding> vector;  ///< only where the vector part is due
  std::optional<embedding> text;    ///< the vector of its text, only where that part is due
};

/// How one request to the sink ended.
struct sink_reply {
  enum class kind {
    accepted,  ///< every row is in
    retry,     ///< try again after `retry_after` or the backoff
    halve,     ///< try again with half the rows (statement timeout)
    park,      ///< nothing will be accepted until someone acts (key, quota, schema)
    bisect,    ///< at least one row is refused: find it
  } what = kind::retry;
  error why;
  std::optional<std::chrono::milliseconds> retry_after;
  /// The request may have arrived although its answer did not: the rows may be in or not.
  bool outcome_unknown = false;
  std::string sqlstate_or_code;  ///< the sink's own code; may be empty
  /// Of a single row that is refused: the id of the row that the sink has for its source and address. An
  /// older id of the same product, or another product's.
  std::optional<std::string> held_as;
  /// Products that the sink holds under an older id, which is theirs from now on.
  std::vector<std::pair<product_id, std::string>> older_ids;
  /// Of a remove(): products whose row stays, because something in the sink still points at it. It is marked
  /// out of stock where the table can say so.
  std::vector<product_id> still_used;
};

/// Where rows go. Loop-only; one request in flight per call.
class sink {
 public:
  virtual ~sink() = default;
  /// How many of upsert() may be under way at a time, at most.
  virtual int concurrency() const { return 1; }
  virtual std::string name() const = 0;
  /// Asks for the table's columns and the vector's width. Errors: `sink_unauthorized`, `sink_schema` (with
  /// the SQL that mends it as hint), `sink_unavailable`.
  virtual boost::asio::awaitable<result<sink_description>> describe() = 0;
  /// Sends rows that share one shape (all with a vector or all without, alike for the text's). Never throws
  /// away a row: the caller keeps them.
  virtual boost::asio::awaitable<sink_reply> upsert(const std::vector<sink_row>& rows) = 0;
  /// Removes the rows by their keys; one that is not there counts as removed.
  virtual boost::asio::awaitable<sink_reply> remove(const std::vector<sink_row>& rows) = 0;

  /// A page of what the sink holds. Error: `invalid_config` where this kind cannot be read; as describe().
  virtual boost::asio::awaitable<result<std::vector<stored_row>>> read_rows(stored_rows_query query);
  /// Sets the vectors of rows and touches nothing else; a row that is not there stays away.
  virtual boost::asio::awaitable<sink_reply> set_vectors(std::vector<vector_update> updates);
  /// How many rows a query would read, all pages together.
  virtual boost::asio::awaitable<result<std::int64_t>> count_rows(stored_rows_query query);
  /// How rows are formed; nullptr before describe() has succeeded, and where rows cannot be read.
  virtual std::shared_ptr<const layout> shape() const;
  /// Ends what is under way, as if the sink had gone away. For shutdown.
  virtual void stop() {}
};

/// The sink that the settings name; nullptr for `none`. `http` is the sink's own client and outlives it. Rows
/// become text, and files are written, on `workers`. `invalid_config` names what is missing.
result<std::unique_ptr<sink>> make_sink(const config::sink_settings& settings, http_client& http,
                                        boost::asio::any_io_executor workers);

/// Progress and health of the writer.
struct writer_status {
  std::int64_t waiting = 0;  ///< rows in the outbox
  std::int64_t sent = 0;     ///< rows accepted since start
  std::int64_t dead = 0;     ///< rows dead-lettered since start
  bool parked = false;
  int batch = 0;        ///< most rows a request, at present
  int concurrency = 1;  ///< most requests under way, at present
  std::optional<error> last_error;
};

/// Drains the outbox into the sink: batches, retries with backoff and jitter, parks, bisects, dead-letters.
class outbox_writer {
 public:
  outbox_writer(boost::asio::any_io_executor loop, std::shared_ptr<state_database> db, sink& to,
                const config::sink_settings& settings);
  ~outbox_writer();
  /// Runs until cancelled; the owner spawns it in its task group.
  boost::asio::awaitable<void> run();
  /// New rows may be due.
  void notify();
  /// Suspends until nothing in the outbox is due, or the time is up (false), or the sink is parked (false).
  boost::asio::awaitable<bool> wait_until_idle(std::chrono::milliseconds at_most);
  /// Ends every wait_until_idle() that is under way, with false.
  void stop_waiting();
  writer_status status() const;
  /// How many rows wait that are of these sites.
  boost::asio::awaitable<result<std::int64_t>> waiting_of(std::vector<site_name> sites);

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

/// A row as the sink's layout stores it, without sending it: for `try normalise`. `vector` may be null.
nlohmann::json row_as_json(const product& p, const embedding* vector, const std::string& layout);

}  // namespace catwalk::storage
