#include "scrape/shopify_item.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "core/url.hpp"
#include "scrape/decimal.hpp"
#include "scrape/gender_word.hpp"
#include "scrape/markup_text.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

const json& member(const json& object, const char* name) {
  static const json none;
  if (!object.is_object()) return none;
  const auto it = object.find(name);
  return it == object.end() ? none : *it;
}

std::string_view text_in(const json& value) {
  return value.is_string() ? trimmed(value.get_ref<const std::string&>()) : std::string_view();
}

/// Prices are texts ("49.00"); older shops send numbers. Nothing where it is absent or zero.
std::optional<decimal> amount(const json& value) {
  const std::string text = value.is_number() ? value.dump() : std::string(text_in(value));
  auto number = decimal::parse(text);
  if (!number || number->is_zero()) return std::nullopt;
  return number;
}

/// The last word of an option's name, brackets left out: "Shoe size (EU)" is a size, "Color temp" no colour.
std::string option_word(std::string_view name) {
  std::string lower = lower_ascii(trimmed(name));
  if (const auto bracket = lower.find('('); bracket != std::string::npos && bracket > 0)
    lower = std::string(trimmed(std::string_view(lower).substr(0, bracket)));
  return lower.substr(lower.find_last_of(' ') + 1);
}

bool names_size(const std::string& word) {
  constexpr std::array<std::string_view, 17> words{
      "size", "sizes",    "größe",   "grösse",  "groesse", "taille",    "talla", "taglia", "tamanho",
      "maat", "velikost", "veľkosť", "rozmiar", "storlek", "størrelse", "koko",  "サイズ"};
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool names_colour(const std::string& word) {
  constexpr std::array<std::string_view, 17> words{
      "color", "colour", "colors", "colours", "farbe", "couleur", "colore", "cor",   "kleur",
      "barva", "farba",  "kolor",  "färg",    "farve", "farge",   "väri",   "カラー"};
  return std::find(words.begin(), words.end(), word) != words.end();
}

struct variant {
  const json* item;
  std::optional<decimal> price, before;
  std::optional<bool> available;
};

std::vector<variant> variants_of(const json& product) {
  std::vector<variant> list;
  for (const json& item : member(product, "variants")) {
    if (!item.is_object()) continue;
    const json& stock = member(item, "available");
    list.push_back({&item, amount(member(item, "price")), amount(member(item, "compare_at_price")),
                    stock.is_boolean() ? std::optional(stock.get<bool>()) : std::nullopt});
  }
  return list;
}

const variant* cheapest(const std::vector<variant>& variants) {
  const variant* best = nullptr;
  const auto rank = [](const variant& v) { return v.available.value_or(true); };
  for (const variant& one : variants) {
    if (!one.price) continue;
    const bool better = !best || (rank(one) && !rank(*best)) ||
                        (rank(one) == rank(*best) && one.price->less_than(*best->price));
    if (better) best = &one;
  }
  return best;
}

void set_prices(json& fields, const std::vector<variant>& variants) {
  const variant* chosen = cheapest(variants);
  if (!chosen) return;
  const bool reduced = chosen->before && chosen->price->less_than(*chosen->before);
  fields["price"] = reduced ? chosen->before->as_written() : chosen->price->as_written();
  if (reduced) fields["sale"] = chosen->price->as_written();
}

void set_availability(json& fields, const std::vector<variant>& variants) {
  const auto known = [](const variant& v) { return v.available.has_value(); };
  if (!std::any_of(variants.begin(), variants.end(), known)) return;
  fields["availability"] =
      std::any_of(variants.begin(), variants.end(), [](const variant& v) { return v.available == true; });
}

/// The variants' values of the product's n-th option, in their order.
json option_values(const std::vector<variant>& variants, std::size_t position) {
  const std::string name = "option" + std::to_string(position);
  const bool any_available =
      std::any_of(variants.begin(), variants.end(), [](const variant& v) { return v.available == true; });
  json values = json::array();
  for (const variant& one : variants) {
    if (any_available && one.available == false) continue;
    const std::string_view value = text_in(member(*one.item, name.c_str()));
    if (value.empty() || value == "Default Title") continue;
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  return values;
}

void set_options(json& fields, const json& product, const std::vector<variant>& variants) {
  std::size_t position = 0;
  for (const json& option : member(product, "options")) {
    ++position;
    const std::string word = option_word(text_in(option.is_string() ? option : member(option, "name")));
    const char* field = names_size(word) ? "size" : names_colour(word) ? "color_names" : nullptr;
    if (!field || fields.contains(field)) continue;
    if (json values = option_values(variants, position); !values.empty()) fields[field] = std::move(values);
  }
}

void set_images(json& fields, const json& product) {
  json addresses = json::array();
  const auto add = [&](const json& image) {
    const std::string_view source = text_in(image.is_string() ? image : member(image, "src"));
    if (!source.empty()) addresses.push_back(source);
  };
  for (const json& image : member(product, "images")) add(image);
  if (addresses.empty()) add(member(product, "image"));
  if (addresses.empty()) {
    for (const json& one : member(product, "variants")) add(member(one, "featured_image"));
  }
  fields["_xmedia_urls"] = std::move(addresses);
}

/// `tags` is a list, or one text with commas.
void set_gender(json& fields, const json& product) {
  gender_words words;
  words.add(text_in(member(product, "product_type")));
  const json& tags = member(product, "tags");
  if (tags.is_string()) words.add(text_in(tags));
  if (tags.is_array()) {
    for (const json& tag : tags) words.add(text_in(tag));
  }
  if (words.silent()) words.add(text_in(member(product, "title")));
  if (const auto gender = words.verdict(); !gender.empty()) fields["gender"] = gender;
}

}  // namespace

void shopify_reach(json_reach& product) {
  for (const char* name : {"id", "title", "body_html", "vendor", "product_type", "handle", "tags"})
    product.member(name).take_whole();
  json_reach& variant = product.member("variants");
  for (const char* name : {"available", "price", "compare_at_price", "option1", "option2", "option3"})
    variant.member(name).take_whole();
  variant.member("featured_image").member("src").take_whole();
  product.member("images").member("src").take_whole();
  product.member("image").member("src").take_whole();
  product.member("options").member("name").take_whole();
}

json shopify_fields(const json& product, const std::string& shop) {
  json fields = json::object();
  if (!product.is_object()) return fields;
  fields["external_id"] = member(product, "id");
  fields["title"] = member(product, "title");
  if (const auto html = text_in(member(product, "body_html")); !html.empty())
    fields["description"] = text_of_markup(html);
  fields["brand"] = member(product, "vendor");
  fields["category"] = member(product, "product_type");
  if (const auto handle = text_in(member(product, "handle")); !handle.empty()) {
    const std::string address = shop + "/products/" + std::string(handle);
    const auto parsed = parse_url(address);
    fields["product_url"] = parsed.has_value() ? parsed->str() : address;
  }
  const std::vector<variant> variants = variants_of(product);
  set_prices(fields, variants);
  set_availability(fields, variants);
  set_options(fields, product, variants);
  set_images(fields, product);
  set_gender(fields, product);
  return fields;
}

}  // namespace catwalk::scrape
