#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/id.hpp"
#include "core/product.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// The prices of products that one shop sells in several countries: of sites with the same ids, whose
/// `countries` puts them into one row. Such a row is that of the first of the countries in which the product
/// is listed, with the prices of all of them, `20USD,450CZK`. Inside the caller's transaction.
class country_prices {
 public:
  explicit country_prices(sqlite::connection& db) : db_(db) {}

  /// Whether there is any at all.
  bool any() const;

  /// The product's price in its country, which has that place in the site's `countries`.
  void note(const product& p, int position);
  /// The product's row is of one country.
  void forget(const product_id& id);
  /// Whether another site, whose country comes before `position`, has the product too.
  bool follows(const product_id& id, const std::string& site, int position) const;

  /// Sets price and sale to those of all countries; of two with one currency the first counts. A product
  /// without noted prices stays as it is.
  void join(product& p) const;
  /// The row that `p`, just read, would become: nullopt where no price in its country has been noted.
  std::optional<product> preview(const product& p) const;

  /// Joins the prices of a stored row anew and tells the outbox. True where that changed it.
  bool rewrite(const product_id& id, bool to_sink, wall_time now);
  /// The prices of a site go where none of its listings holds the product any more; the products.
  std::vector<product_id> drop_unlisted(const std::string& site);
  /// Rows that are the site's, which no longer has their products: the listings of other countries that have
  /// them are forgotten as known, so that the next reading moves the rows there.
  void forget_pages_of_followers(const std::string& site);

 private:
  struct noted;
  std::vector<noted> noted_of(const product_id& id) const;
  static void join(product& p, const std::vector<noted>& prices);

  sqlite::connection& db_;
};

}  // namespace catwalk::storage
