#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/id.hpp"
#include "storage/state_database.hpp"

namespace catwalk::storage {

/// A row that the sink refused for its own sake.
struct failed_row {
  std::int64_t id = 0;
  product_id key;
  std::string site;    ///< empty where the product is forgotten
  std::string title;   ///< likewise
  std::string op;      ///< upsert | delete
  std::string reason;  ///< why catwalk set it aside
  std::string sink_code;
  std::string sink_words;
  std::string attempts_json;  ///< [{"at": ms, "error": text} …], oldest first
  std::string payload_json;   ///< the product's fields as they were
  wall_time died{};
};

/// Which dead letters are meant: these, or all that the rest lets through.
struct failure_choice {
  std::optional<std::vector<std::int64_t>> ids;
  std::optional<std::string> site, code;  ///< the sink's code
};

/// Dead letters.
class failures {
 public:
  explicit failures(std::shared_ptr<state_database> db) : db_(std::move(db)) {}

  /// Latest first; `after`: those before this id.
  boost::asio::awaitable<result<std::vector<failed_row>>> list(int limit, std::optional<std::int64_t> after,
                                                               failure_choice among = {});
  boost::asio::awaitable<result<std::int64_t>> count(failure_choice among);
  boost::asio::awaitable<result<std::optional<failed_row>>> find(std::int64_t id);
  /// Puts the products back into the outbox, as they are now, and drops their letters. Returns how many.
  boost::asio::awaitable<result<int>> retry(failure_choice which);
  /// Forgets them: the product goes out again once it changes. Returns how many.
  boost::asio::awaitable<result<int>> drop(failure_choice which);

 private:
  std::shared_ptr<state_database> db_;
};

}  // namespace catwalk::storage
