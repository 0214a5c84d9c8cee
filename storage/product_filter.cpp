#include "storage/product_filter.hpp"

#include <charconv>

namespace catwalk::storage {

bool product_filter::only_site() const noexcept {
  return !category && !gender && !currency && !availability && !min_price && !max_price && words.empty();
}

product_condition::product_condition(const product_filter& filter)
    : sql_(filter.gone ? "p.gone_at is not null" : "p.gone_at is null") {
  if (filter.site) sql_ += " and p.site = " + next_place(*filter.site);
  text("p.fields ->> '$.category'", filter.category);
  text("p.fields ->> '$.gender'", filter.gender);
  text("p.fields ->> '$.currency'", filter.currency);
  text("p.fields ->> '$.availability'", filter.availability);
  amount(">=", filter.min_price);
  amount("<=", filter.max_price);
  for (const auto& word : filter.words)
    sql_ +=
        " and instr(lower((p.fields ->> '$.title') || ' ' || coalesce(p.fields ->> '$.brand', '') || ' ' "
        "|| coalesce(p.fields ->> '$.category', '')), lower(" +
        next_place(word) + ")) > 0";
}

void product_condition::text(const std::string& expression, const std::optional<std::string>& value) {
  if (value) sql_ += " and " + expression + " = " + next_place(*value) + " collate nocase";
}

void product_condition::amount(const char* comparison, std::optional<double> value) {
  if (!value) return;
  char digits[32];
  const auto [end, ec] = std::to_chars(digits, digits + sizeof digits, *value);
  sql_ += " and cast(coalesce(p.fields ->> '$.sale_amount', p.fields ->> '$.price_amount') as real) " +
          std::string(comparison) + " cast(" +
          next_place(std::string(digits, ec == std::errc() ? end : digits)) + " as real)";
}

std::string product_condition::next_place(std::string value) {
  values_.push_back(std::move(value));
  return "?" + std::to_string(values_.size());
}

int product_condition::bind_to(sqlite::statement& s) const {
  int place = 0;
  for (const auto& value : values_) s.bind_at(++place, value);
  return place + 1;
}

}  // namespace catwalk::storage
