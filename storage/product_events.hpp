#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/id.hpp"
#include "core/product.hpp"
#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// What a product cost and whether it was in stock, as `product` has it.
struct product_offer {
  std::optional<std::string> price, sale;
  std::optional<std::string> price_amount, sale_amount;
  std::optional<std::string> currency;
  std::string availability = "unknown";

  bool operator==(const product_offer&) const = default;
  /// Whether the two cost the same.
  bool same_price(const product_offer& other) const;
};

/// One point of a product's history: the offer holds from `at` on.
struct product_change {
  wall_time at{};
  /// new | price | availability | gone | back; `first`: on record before anything was seen to change. Where
  /// price and availability change at once it is `price`.
  std::string kind;
  product_offer offer;
};

/// Writes the rows of `events` that tell how a product changed, inside the caller's transaction.
class product_events {
 public:
  product_events(sqlite::connection& db, wall_time now) : db_(db), now_(now) {}

  /// The product as it is in `products` now: new, gone, back, or `first` (it was there before catwalk was).
  void record(const product_id& id, std::int64_t run, std::string_view kind);
  /// A product that has just become row `number` of `products`: as record() of `new`, from what is at hand.
  void record_new(std::int64_t number, const product& p, std::int64_t run);
  /// The product was written anew: records a change of its price or of its availability, where there is one.
  /// What changes again within the run in which the product came is no change: another of its listings gave
  /// it.
  void written(const product_id& id, std::int64_t run);

 private:
  sqlite::connection& db_;
  wall_time now_;
};

/// The latest changes of a product, oldest first; at most `most_changes`.
std::vector<product_change> changes_of(sqlite::connection& db, const product_id& id);
inline constexpr int most_changes = 1000;

/// The columns of `events` that read_offer() expects from `first` on.
inline constexpr std::string_view offer_columns =
    "price, sale, price_amount, sale_amount, currency, coalesce(availability, 'unknown')";
product_offer read_offer(const sqlite::statement& row, int first);

/// When the price of `products p` last changed, as a column; null: never since it is on record.
inline constexpr std::string_view price_changed_column =
    "(select max(e.at) from events e where e.product = p.number and e.kind = 'price')";

}  // namespace catwalk::storage
