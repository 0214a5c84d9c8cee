#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/sqlite.hpp"

namespace catwalk::storage {

/// Which products someone wants to see. What is unset does not narrow; texts compare without case (ASCII).
struct product_filter {
  std::optional<std::string> site;  ///< exactly, with case
  std::optional<std::string> category, gender, currency;
  std::optional<std::string> availability;  ///< in_stock | out_of_stock | unknown
  /// In major units. The reduced price counts where there is one; a product without an amount has none.
  std::optional<double> min_price, max_price;
  std::vector<std::string> words;  ///< each is part of the title, the brand or the category
  bool gone = false;               ///< those that no listing holds any more, instead

  /// True where `site` alone narrows.
  bool only_site() const noexcept;
};

/// The filter as SQL over `products p`, with its values, for a `where`.
class product_condition {
 public:
  explicit product_condition(const product_filter& filter);
  const std::string& sql() const noexcept { return sql_; }
  /// Binds the values to ?1, ?2 …; returns the place after the last.
  int bind_to(sqlite::statement& s) const;

 private:
  void text(const std::string& expression, const std::optional<std::string>& value);
  void amount(const char* comparison, std::optional<double> value);
  std::string next_place(std::string value);

  std::string sql_;
  std::vector<std::string> values_;
};

}  // namespace catwalk::storage
