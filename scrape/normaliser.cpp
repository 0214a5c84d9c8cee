#include "scrape/normaliser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "core/sha256.hpp"
#include "core/url.hpp"
#include "scrape/item_images.hpp"
#include "scrape/list_limit.hpp"
#include "scrape/money.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;
using maybe_text = std::optional<std::string>;

const json& field(const json& fields, const char* name) {
  static const json none;
  const auto it = fields.find(name);
  return it == fields.end() ? none : *it;
}

maybe_text text_of(const json& value) {
  if (value.is_string()) {
    const std::string_view text = trimmed(value.get_ref<const std::string&>());
    return text.empty() ? std::nullopt : maybe_text(text);
  }
  if (value.is_number_integer()) return value.dump();
  if (value.is_number_float()) {
    std::array<char, 512> text;
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value.get<double>(), std::chars_format::fixed);
    return std::string(text.data(), end.ptr);
  }
  if (value.is_array()) {  // the first text of a list
    for (const json& entry : value) {
      if (auto text = text_of(entry)) return text;
    }
  }
  return std::nullopt;
}

/// The first of these fields that holds a text.
maybe_text first_text(const json& fields, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (auto text = text_of(field(fields, name))) return text;
  }
  return std::nullopt;
}

/// The number 0 is no id: shops send it for banners.
maybe_text external_id(const json& fields) {
  for (const char* name : {"external_id", "product_id"}) {
    const json& value = field(fields, name);
    if (value.is_array() || (value.is_number() && value == 0)) continue;
    if (auto text = text_of(value)) return text;
  }
  return std::nullopt;
}

/// Texts however deep in lists, trimmed. Repeats are dropped, compared by `same`.
template <class Same>
void flatten(const json& value, std::vector<std::string>& into, Same same) {
  if (value.is_array()) {
    for (const json& entry : value) flatten(entry, into, same);
    return;
  }
  if (!value.is_string()) return;
  std::string text(trimmed(value.get_ref<const std::string&>()));
  if (text.empty() || into.size() >= most_listed) return;
  const bool known =
      std::any_of(into.begin(), into.end(), [&](const std::string& one) { return same(one, text); });
  if (!known) into.push_back(std::move(text));
}

std::vector<std::string> color_names(const json& value) {
  std::vector<std::string> names;
  flatten(value, names,
          [](const std::string& a, const std::string& b) { return lower_ascii(a) == lower_ascii(b); });
  return names;
}

maybe_text size_text(const json& fields) {
  for (const char* name : {"size", "sizes", "available_sizes"}) {
    std::vector<std::string> sizes;
    flatten(field(fields, name), sizes, [](const std::string& a, const std::string& b) { return a == b; });
    if (sizes.empty()) continue;
    std::string joined;
    for (const std::string& size : sizes) joined += (joined.empty() ? "" : ", ") + size;
    return joined;
  }
  return std::nullopt;
}

std::string currency_of(const json& fields, const config::site& site) {
  std::string currency = text_of(field(fields, "currency")).value_or(site.currency);
  const bool code = currency.size() == 3 && std::all_of(currency.begin(), currency.end(), [](char c) {
                      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
                    });
  if (code)
    std::transform(currency.begin(), currency.end(), currency.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return currency;
}

/// `template` with what the item has; empty where it names something that the item lacks.
std::string filled_template(std::string text, const json& fields, const std::string& id) {
  const std::array<std::pair<std::string_view, maybe_text>, 3> values{{
      {"{keyword}", text_of(field(fields, "seo_keyword"))},
      {"{id}", first_text(fields, {"seo_product_id", "id"})},
      {"{discern_id}", id.empty() ? maybe_text() : maybe_text(id)},
  }};
  for (const auto& [name, value] : values) {
    for (std::size_t at = text.find(name); at != std::string::npos;
         at = text.find(name, at + value->size())) {
      if (!value) return {};
      text.replace(at, name.size(), *value);
    }
  }
  return text;
}

std::string product_address(const json& fields, const config::site& site, const std::string& id,
                            const item_origin& origin) {
  std::string address = text_of(field(fields, "product_url")).value_or("");
  if (address.empty() && site.api) address = filled_template(site.api->product_url_template, fields, id);
  if (address.empty() || address.find("://") != std::string::npos || origin.base.empty()) return address;
  auto absolute = resolve_url(origin.base, address);
  return absolute.has_value() ? std::move(*absolute) : std::string();
}

/// What the 2026-02 layout keeps as metadata.
json metadata_of(const json& fields, const config::site& site) {
  json metadata = json::object();
  if (auto name = text_of(field(fields, "merchant_name"))) metadata["merchant_name"] = *name;
  const std::string country = text_of(field(fields, "country")).value_or(site.country);
  if (!country.empty()) metadata["country"] = country;
  if (auto currency = text_of(field(fields, "original_currency"))) metadata["original_currency"] = *currency;
  return metadata;
}

/// False where the two cannot be compared: other currencies, or no number.
bool is_at_least(const price_reading& sale, const price_reading& price) {
  if (!sale.amount || !price.amount || sale.currency != price.currency) return false;
  const auto reduced = decimal::parse(*sale.amount);
  const auto regular = decimal::parse(*price.amount);
  return reduced && regular && !reduced->less_than(*regular);
}

void set_prices(product& p, const json& fields, const config::site& site, config::price_unit unit) {
  const std::string currency = currency_of(fields, site);
  const price_reading price = read_price(field(fields, "price"), currency, unit);
  p.price = price.text;
  p.price_amount = price.amount;
  p.currency = price.currency;
  if (!p.currency && !currency.empty()) p.currency = currency;
  for (const char* name : {"sale", "sale_price", "salePrice"}) {
    const json& value = field(fields, name);
    if (value.is_number() && value == 0) continue;
    const price_reading sale = read_price(value, currency, unit);
    if (!sale.text || is_at_least(sale, price)) continue;
    p.sale = sale.text;
    p.sale_amount = sale.amount;
    break;
  }
}

void set_descriptions(product& p, const json& fields, const config::site& site, const shop_rules& rules) {
  p.title = text_of(field(fields, "title")).value_or("Unknown title");
  p.description = text_of(field(fields, "description"));
  p.brand = text_of(field(fields, "brand"));
  p.merchant = first_text(fields, {"merchant", "merchant_name"});
  if (!p.merchant) p.merchant = site.merchant.empty() ? site.brand : site.merchant;
  p.country = site.country;
  p.country_field = text_of(field(fields, "country"));
  p.category_field = text_of(field(fields, "category"));
  std::string category = category_name(rules, p.endpoint);
  if (category.empty()) category = p.category_field.value_or("clothing");
  p.category = std::move(category);
  p.subcategory = text_of(field(fields, "subcategory"));
  p.raw_gender = text_of(field(fields, "gender"));
  if (p.raw_gender) p.gender = normalised_gender(*p.raw_gender);
  p.color_names = color_names(field(fields, "color_names"));
  p.size = size_text(fields);
  const json& stock = field(fields, "in_stock");
  p.availability = normalised_availability(stock.is_null() ? field(fields, "availability") : stock);
  p.affiliate_url = text_of(field(fields, "affiliate_url"));
  p.second_hand = site.second_hand || field(fields, "second_hand") == true;
  p.other = text_of(field(fields, "other"));
  p.metadata = metadata_of(fields, site);
}

}  // namespace

std::string normalised_gender(std::string_view text) {
  const std::string lower = lower_ascii(text);
  const auto holds_any = [&](std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return lower.find(word) != std::string::npos; });
  };
  // Women first: "woman" holds "man".
  if (holds_any({"women", "female", "woman", "lady", "girl"})) return "women";
  if (holds_any({"men", "male", "man", "guy", "boy"})) return "men";
  return std::string(text);
}

std::string normalised_availability(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "in_stock" : "out_of_stock";
  if (!value.is_string()) return "unknown";
  const std::string word = lower_ascii(trimmed(value.get_ref<const std::string&>()));
  for (const std::string_view in : {"in_stock", "instock", "in stock", "available", "true"}) {
    if (word == in) return "in_stock";
  }
  for (const std::string_view out : {"out_of_stock", "out-of-stock", "outofstock", "sold_out", "sold-out",
                                     "sold out", "unavailable", "false"}) {
    if (word == out) return "out_of_stock";
  }
  return "unknown";
}

std::variant<product, skipped_item> normalise(const json& fields, json raw_item, const config::site& site,
                                              const shop_rules& rules, const item_origin& origin) {
  product p;
  const auto skip = [&](std::string reason, const maybe_text& id) {
    std::string named = id.value_or("item " + std::to_string(origin.position));
    if (const auto title = text_of(field(fields, "title"))) named += " (" + *title + ')';
    return skipped_item{std::move(reason), std::move(named), p.id};
  };

  const maybe_text id = external_id(fields);
  if (!id) return skip("no id", id);

  p.site = site_name(site.name.empty() ? site.brand : site.name);
  p.source = text_of(field(fields, "source")).value_or(site.source.empty() ? "scraper" : site.source);
  p.external_id = *id;
  p.id = product_id(sha256_hex(p.source + ':' + p.external_id));
  p.endpoint = origin.endpoint;
  p.endpoint_index = origin.endpoint_index;
  p.product_url = product_address(fields, site, *id, origin);

  item_images images = images_of(fields, rules, origin.base, site.image_width);
  if (images.main.empty()) return skip("no image", id);
  p.image_url = std::move(images.main);
  p.raw_image_url = std::move(images.raw_main);
  p.additional_images = std::move(images.additional);

  set_prices(p, fields, site, rules.price_unit);
  if (!p.price) return skip("no price", id);
  set_descriptions(p, fields, site, rules);
  p.raw_item = std::move(raw_item);
  return p;
}

}  // namespace catwalk::scrape
