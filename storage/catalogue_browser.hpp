#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "storage/catalogue.hpp"
#include "storage/product_filter.hpp"
#include "storage/state_database.hpp"

namespace catwalk::storage {

/// A product in a list.
struct listed_product {
  std::int64_t number = 0;  ///< the key of its place in the list
  product item;
  std::string vector_state;
  wall_time first_seen{}, last_seen{};
  std::optional<wall_time> gone_at;
  std::optional<wall_time> price_changed;  ///< nullopt: never since it is on record
};

struct facet_value {
  std::string value;
  std::int64_t count = 0;
};

/// The values that products have, each with how many, most frequent first.
struct product_facets {
  std::vector<facet_value> sites, categories, genders, availability, currencies;
};

/// How much the catalogue holds of a site.
struct site_stock {
  std::int64_t products = 0, gone = 0;
  std::int64_t with_image = 0;                  ///< products that have an image's address
  std::map<std::string, std::int64_t> vectors;  ///< products by vector_state
  std::optional<wall_time> last_success;
};

/// A run in a list.
struct listed_run {
  run_summary summary;
  std::optional<wall_time> slot;
};

/// Reads the catalogue for people: pages of products and runs, and what can be filtered by. Each question
/// sees one snapshot.
class catalogue_browser {
 public:
  /// Values of one facet, at most.
  static constexpr int most_values = 200;

  explicit catalogue_browser(std::shared_ptr<state_database> db) : db_(std::move(db)) {}

  /// The latest found first; `after`: those found before this number.
  boost::asio::awaitable<result<std::vector<listed_product>>> products(product_filter filter, int limit,
                                                                       std::optional<std::int64_t> after);
  boost::asio::awaitable<result<std::int64_t>> count(product_filter filter);
  boost::asio::awaitable<result<std::optional<listed_product>>> product_of(product_id id);
  boost::asio::awaitable<result<product_facets>> facets(std::optional<std::string> site);
  /// By name: every site that the catalogue knows.
  boost::asio::awaitable<result<std::map<std::string, site_stock>>> stock();

  /// The latest first; `after`: those with a lower id. `site`: only those that read it.
  boost::asio::awaitable<result<std::vector<listed_run>>> runs(int limit, std::optional<run_id> after,
                                                               std::optional<std::string> site);
  boost::asio::awaitable<result<std::optional<listed_run>>> run(run_id id);
  /// The latest run of the same job before this one that came to its end (done or partly).
  boost::asio::awaitable<result<std::optional<listed_run>>> run_before(run_id id);
  /// The latest run that ended and read the site, by site.
  boost::asio::awaitable<result<std::map<std::string, run_summary>>> latest_runs();

 private:
  std::shared_ptr<state_database> db_;
};

}  // namespace catwalk::storage
