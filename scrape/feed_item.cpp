#include "scrape/feed_item.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "scrape/currency.hpp"
#include "scrape/decimal.hpp"
#include "scrape/markup_text.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

/// The attribute's text; the first of several.
std::string text_of(const json& item, const char* name) {
  const auto it = item.find(name);
  if (it == item.end()) return {};
  const json& value = it->is_array() && !it->empty() ? it->front() : *it;
  return value.is_string() ? value.get<std::string>() : std::string();
}

/// Atom's entries have an id of their own, an address, beside the product's.
std::string id_of(const json& item) {
  const auto it = item.find("id");
  if (it == item.end() || !it->is_array()) return text_of(item, "id");
  for (const json& one : *it) {
    const std::string& text = one.get_ref<const std::string&>();
    if (!text.starts_with("http") && !text.starts_with("tag:") && !text.starts_with("urn:")) return text;
  }
  return text_of(item, "id");
}

void add_texts(const json& item, const char* name, json& list) {
  const auto it = item.find(name);
  if (it == item.end()) return;
  if (!it->is_array()) {
    list.push_back(*it);
  } else {
    for (const json& one : *it) list.push_back(one);
  }
}

struct amount {
  decimal number;
  std::string currency;  ///< empty: none is given
};

/// "19.90 EUR", "EUR 19,90", "19.90".
std::optional<amount> price_in(const std::string& text) {
  std::string currency;
  for (std::size_t i = 0; i + 3 <= text.size(); ++i) {
    const auto capital = [&](std::size_t at) {
      return at < text.size() && text[at] >= 'A' && text[at] <= 'Z';
    };
    if (capital(i) && capital(i + 1) && capital(i + 2) && !capital(i + 3)) {
      currency = text.substr(i, 3);
      break;
    }
  }
  const auto number = amount_in(text, fraction_digits_of(currency));
  if (!number || number->is_zero()) return std::nullopt;
  return amount{*number, currency};
}

void set_prices(const json& item, json& fields) {
  const auto price = price_in(text_of(item, "price"));
  if (!price) return;
  fields["price"] = price->number.as_written();
  if (!price->currency.empty()) fields["currency"] = price->currency;
  const auto sale = price_in(text_of(item, "sale_price"));
  const bool same_currency = sale && (sale->currency.empty() || sale->currency == price->currency);
  if (same_currency && sale->number.less_than(price->number)) fields["sale"] = sale->number.as_written();
}

json colours_of(const std::string& text) {
  json list = json::array();
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('/');
    if (const auto one = trimmed(rest.substr(0, end)); !one.empty()) list.push_back(one);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return list;
}

}  // namespace

json feed_fields(const json& item) {
  json fields = json::object();
  const auto copy = [&](const char* field, const char* attribute) {
    if (std::string value = text_of(item, attribute); !value.empty()) fields[field] = std::move(value);
  };
  if (std::string id = id_of(item); !id.empty()) fields["external_id"] = std::move(id);
  copy("title", "title");
  if (const std::string text = text_of(item, "description"); !text.empty())
    fields["description"] = text_of_markup(text);
  copy("product_url", "link");
  copy("brand", "brand");
  copy("gender", "gender");
  copy("size", "size");
  copy("category", "product_type");
  if (!fields.contains("category")) copy("category", "google_product_category");
  if (const std::string word = text_of(item, "availability"); !word.empty()) fields["availability"] = word;
  if (json colours = colours_of(text_of(item, "color")); !colours.empty()) fields["color_names"] = colours;
  json images = json::array();
  add_texts(item, "image_link", images);
  add_texts(item, "additional_image_link", images);
  fields["_xmedia_urls"] = std::move(images);
  set_prices(item, fields);
  if (const std::string condition = lower_ascii(text_of(item, "condition")); !condition.empty())
    fields["second_hand"] = condition != "new";
  return fields;
}

}  // namespace catwalk::scrape
