#include "scrape/money.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "scrape/currency.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// The number as text: a JSON number's shortest decimal form, which is the one that was sent.
std::optional<decimal> decimal_of(const json& value) {
  if (value.is_number_unsigned()) return decimal::parse(std::to_string(value.get<std::uint64_t>()));
  if (value.is_number_integer()) return decimal::parse(std::to_string(value.get<std::int64_t>()));
  if (!value.is_number_float() || !std::isfinite(value.get<double>())) return std::nullopt;
  std::array<char, 512> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value.get<double>(), std::chars_format::fixed);
  return decimal::parse(std::string_view(text.data(), static_cast<std::size_t>(end.ptr - text.data())));
}

decimal in_major_units(const decimal& number, bool may_be_minor, std::string_view currency,
                       config::price_unit unit) {
  if (!may_be_minor) return number;
  if (unit == config::price_unit::minor) return number.divided_by_power_of_ten(fraction_digits_of(currency));
  if (unit == config::price_unit::guess && number.at_least("1000")) return number.divided_by_power_of_ten(2);
  return number;
}

price_reading reading(const decimal& amount, std::string text, std::string currency) {
  return {std::move(text), amount.with_fraction(), std::move(currency)};
}

price_reading read_number(const json& value, std::string_view currency, config::price_unit unit) {
  const auto number = decimal_of(value);
  if (!number || currency.empty()) return {};
  // 21900.0 is a whole number for `minor`, which is explicit, but not for `guess`.
  const bool may_be_minor =
      value.is_number_integer() || (unit == config::price_unit::minor && number->is_whole());
  const decimal amount = in_major_units(*number, may_be_minor, currency, unit);
  return reading(amount, amount.shortest() + std::string(currency), std::string(currency));
}

/// A text with its currencies in it stays as it is; the amount is the first one of `preferred`, or the first
/// of all.
price_reading read_coded_text(std::string_view text, std::string_view preferred) {
  price_reading out;
  out.text = std::string(text);
  // A shop may name its currency by a sign, which is no code to look for.
  std::size_t code = find_currency_code(text, preferred);
  if (code == std::string_view::npos) code = find_currency_code(text);
  out.currency = std::string(text.substr(code, 3));
  // The amount ends right before its code ("20USD,450CZK"), or follows it ("CZK 849").
  std::size_t from = code;
  while (from > 0 && !is_capital(text[from - 1])) --from;
  std::string_view before = text.substr(from, code - from);
  while (!before.empty() && !is_digit(before.front())) before.remove_prefix(1);
  auto amount = amount_in(before, fraction_digits_of(*out.currency));
  if (!amount) amount = amount_in(text.substr(code + 3), fraction_digits_of(*out.currency));
  if (amount) out.amount = amount->with_fraction();
  return out;
}

price_reading read_text(std::string_view raw, std::string_view currency, config::price_unit unit) {
  const std::string_view text = trimmed(raw);
  if (text.empty()) return {};
  if (find_currency_code(text) != std::string_view::npos) return read_coded_text(text, currency);
  const auto number = amount_in(text, fraction_digits_of(currency));
  if (!number) return {};
  if (currency.empty()) return {std::string(text), number->with_fraction(), std::nullopt};
  // The rule of thumb of `guess` is for numbers alone; an explicit `minor` holds for digits in quotes too.
  if (unit == config::price_unit::minor && all_digits(text)) {
    const decimal amount = in_major_units(*number, true, currency, unit);
    return reading(amount, amount.shortest() + std::string(currency), std::string(currency));
  }
  return reading(*number, number->as_written() + std::string(currency), std::string(currency));
}

/// One price of several: number or text, in its own currency.
std::optional<price_reading> read_one_of_several(const json& value, std::string currency,
                                                 config::price_unit unit) {
  std::transform(currency.begin(), currency.end(), currency.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  // Several prices are in major units, unless the site says otherwise.
  const auto as = unit == config::price_unit::minor ? unit : config::price_unit::major;
  price_reading one;
  if (value.is_number()) {
    one = read_number(value, currency, as);
  } else if (value.is_string()) {
    const auto number = amount_in(value.get_ref<const std::string&>(), fraction_digits_of(currency));
    if (number) one = reading(*number, number->as_written() + currency, currency);
  }
  if (!one.text) return std::nullopt;
  return one;
}

price_reading joined(const std::vector<price_reading>& list, std::string_view preferred) {
  if (list.empty()) return {};
  price_reading out = list.front();
  for (std::size_t i = 1; i < list.size(); ++i) {
    *out.text += ',' + *list[i].text;
    if (list[i].currency == preferred && out.currency != preferred) {
      out.amount = list[i].amount;
      out.currency = list[i].currency;
    }
  }
  return out;
}

price_reading read_object(const json& value, std::string_view currency, config::price_unit unit) {
  std::vector<std::pair<std::string, const json*>> members;
  for (const auto& [key, amount] : value.items()) {
    if (key.size() == 3) members.emplace_back(key, &amount);
  }
  const auto rank = [&](const std::string& code) {
    const std::array<std::string_view, 4> order{currency, "USD", "EUR", "GBP"};
    return std::find(order.begin(), order.end(), code) - order.begin();
  };
  std::stable_sort(members.begin(), members.end(),
                   [&](const auto& a, const auto& b) { return rank(a.first) < rank(b.first); });
  std::vector<price_reading> list;
  for (const auto& [code, amount] : members) {
    if (auto one = read_one_of_several(*amount, code, unit)) list.push_back(std::move(*one));
  }
  return joined(list, currency);
}

const json* first_member(const json& object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto it = object.find(name);
    if (it != object.end() && !it->is_null() && *it != json("")) return &*it;
  }
  return nullptr;
}

price_reading read_list(const json& value, std::string_view currency, config::price_unit unit) {
  std::vector<price_reading> list;
  for (const json& entry : value) {
    if (!entry.is_object()) continue;
    const json* amount = first_member(entry, {"price", "value", "amount"});
    const json* code = first_member(entry, {"currency", "curr", "code"});
    if (!amount || !code || !code->is_string()) continue;
    if (auto one = read_one_of_several(*amount, code->get<std::string>(), unit))
      list.push_back(std::move(*one));
  }
  return joined(list, currency);
}

}  // namespace

price_reading read_price(const json& value, std::string_view currency, config::price_unit unit) {
  if (value.is_number()) return read_number(value, currency, unit);
  if (value.is_string()) return read_text(value.get_ref<const std::string&>(), currency, unit);
  if (value.is_object()) return read_object(value, currency, unit);
  if (value.is_array()) return read_list(value, currency, unit);
  return {};
}

}  // namespace catwalk::scrape
