#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "core/task_group.hpp"
#include "daemon/row_sites.hpp"
#include "embed/encoder.hpp"
#include "scrape/fetcher.hpp"
#include "storage/catalogue.hpp"
#include "storage/sink.hpp"

namespace catwalk::daemon {

struct backfill_counts {
  std::int64_t total = 0;             ///< rows that wanted a vector at the start
  std::int64_t done = 0;              ///< vectors that the sink has taken
  std::int64_t failed = 0;            ///< rows whose image gave none
  std::vector<std::string> examples;  ///< of failures, at most 10
};

/// Gives rows of the sink the vectors that they lack, touching nothing else: page by page in the order of
/// their ids, images fetched and embedded at bounded concurrency, vectors set in batches. Where it stopped is
/// noted in the state, so that a kill costs one page. Loop-only.
class backfill {
 public:
  enum class kind { missing, stale, all };
  /// All outlive it.
  struct parts {
    storage::sink& sink;
    storage::catalogue& catalogue;
    scrape::fetcher& images;
    embed::image_encoder& encoder;
    const config::fetch_settings& fetch;
    const std::vector<config::site>& sites;  ///< a row's own says how its image is asked for
  };
  struct options {
    kind which = kind::missing;
    std::optional<double> rate;  ///< images a second; nullopt: as fast as they come
  };
  backfill(boost::asio::any_io_executor loop, parts p, options o);

  /// `on_progress` is called after every batch that the sink took.
  boost::asio::awaitable<result<backfill_counts>> run(
      std::function<void(const backfill_counts&)> on_progress);
  /// Ends after what is in flight.
  void request_stop();

 private:
  boost::asio::awaitable<result<void>> page(std::vector<storage::stored_row> rows);
  boost::asio::awaitable<void> embed_one(const storage::stored_row& row,
                                         std::optional<storage::vector_update>& update);
  boost::asio::awaitable<result<embedding>> vector_of(const storage::stored_row& row);
  boost::asio::awaitable<result<void>> send(std::vector<storage::vector_update> updates);
  boost::asio::awaitable<void> pause(std::chrono::nanoseconds time);
  storage::stored_rows_query query() const;
  std::string note_name() const;

  boost::asio::any_io_executor loop_;
  parts parts_;
  row_sites sites_;
  options options_;
  backfill_counts counts_;
  std::function<void(const backfill_counts&)> on_progress_;
  bool stopping_ = false;
};

}  // namespace catwalk::daemon
