#include "scrape/structured_product.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "core/url.hpp"
#include "scrape/decimal.hpp"
#include "scrape/html_document.hpp"
#include "scrape/list_limit.hpp"
#include "scrape/structured_node.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

const json& member(const json& node, const char* name) {
  static const json none;
  if (!node.is_object()) return none;
  const auto it = node.find(name);
  return it == node.end() ? none : *it;
}

std::string number_text(const json& value) {
  if (value.is_number_integer()) return value.dump();
  std::array<char, 512> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value.get<double>(), std::chars_format::fixed);
  return {text.data(), end.ptr};
}

/// The text of a value as pages write it: a text, a number, a list's first, an object's name or value.
std::string text_of(const json& value) {
  if (value.is_string()) return std::string(trimmed(value.get_ref<const std::string&>()));
  if (value.is_number()) return number_text(value);
  if (value.is_array()) {
    for (const json& one : value) {
      if (std::string text = text_of(one); !text.empty()) return text;
    }
  }
  if (value.is_object()) {
    for (const char* name : {"name", "value", "@value"}) {
      if (std::string text = text_of(member(value, name)); !text.empty()) return text;
    }
  }
  return {};
}

std::string first_text(const json& node, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string text = text_of(member(node, name)); !text.empty()) return text;
  }
  return {};
}

void add_once(std::vector<std::string>& list, std::string text) {
  if (text.empty() || list.size() >= most_listed) return;
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

/// Every text of a value: of "M", ["S", "M"], [{"name": "M"}].
void add_texts(const json& value, std::vector<std::string>& list) {
  if (value.is_array()) {
    for (const json& one : value) add_texts(one, list);
  } else {
    add_once(list, plain_text(text_of(value)));
  }
}

void add_images(const json& value, std::vector<std::string>& list) {
  if (value.is_array()) {
    for (const json& one : value) add_images(one, list);
  } else if (value.is_object()) {
    for (const char* name : {"contentUrl", "url", "image", "@id"}) {
      const json& address = member(value, name);
      if (address.is_null()) continue;
      add_images(address, list);
      return;
    }
  } else {
    add_once(list, text_of(value));
  }
}

std::string bare_word(const std::string& text) {
  const std::size_t cut = text.find_last_of("/#");
  return cut == std::string::npos ? text : text.substr(cut + 1);
}

/// The words of schema.org's ItemAvailability that mean in stock or not; others as they are.
std::string availability_word(const std::string& written) {
  std::string word = lower_ascii(bare_word(written));
  for (const char* in : {"instock", "limitedavailability", "onlineonly", "instoreonly"}) {
    if (word == in) return "in_stock";
  }
  for (const char* out : {"outofstock", "soldout", "discontinued", "oos"}) {
    if (word == out) return "out_of_stock";
  }
  return word;
}

/// The amount in a price's text; nullopt for none and for 0, with which shops say "on request".
std::optional<double> amount_of(const std::string& text) {
  const auto number = amount_in(text, 2);
  if (!number) return std::nullopt;
  const std::string digits = number->shortest();
  double amount = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), amount);
  return amount > 0 ? std::optional(amount) : std::nullopt;
}

struct offer {
  std::string price, currency, list_price, availability, url;
};

/// What the offers of a product and of its variants say.
class offer_collection {
 public:
  void add(const json& value) {
    if (value.is_array()) {
      for (const json& one : value) add(one);
    } else if (value.is_object()) {
      add_offer(value);
      const json& parts = member(value, "offers");
      if (!parts.is_null()) add(parts);
    }
  }

  void write(json& fields) const {
    const offer* best = cheapest();
    if (best) {
      write_price(*best, fields);
      if (!best->currency.empty()) fields["currency"] = best->currency;
    }
    if (const std::string word = availability(); !word.empty()) fields["availability"] = word;
    for (const offer& one : offers_) {
      if (one.url.empty() || fields.contains("product_url")) continue;
      fields["product_url"] = one.url;
    }
  }

 private:
  void add_offer(const json& node) {
    offer one;
    one.price = first_text(node, {"price", "lowPrice"});
    one.currency = first_text(node, {"priceCurrency"});
    one.availability = availability_word(text_of(member(node, "availability")));
    one.url = text_of(member(node, "url"));
    add_specifications(member(node, "priceSpecification"), one);
    offers_.push_back(std::move(one));
  }

  static void add_specifications(const json& value, offer& one) {
    if (value.is_array()) {
      for (const json& specification : value) add_specifications(specification, one);
      return;
    }
    std::string price = first_text(value, {"price", "minPrice"});
    if (price.empty()) return;
    if (one.currency.empty()) one.currency = first_text(value, {"priceCurrency"});
    const std::string type = bare_word(text_of(member(value, "priceType")));
    const bool regular = type == "ListPrice" || type == "StrikethroughPrice" || type == "RegularPrice" ||
                         type == "MSRP" || type == "SRP";
    if (regular) {
      one.list_price = std::move(price);
    } else if (one.price.empty()) {
      one.price = std::move(price);
    }
  }

  const offer* cheapest() const {
    const offer* best = nullptr;
    for (const offer& one : offers_) {
      const auto amount = amount_of(one.price);
      if (!amount) continue;
      // Offers in a second currency do not compare.
      if (best && (one.currency != best->currency || *amount >= *amount_of(best->price))) continue;
      best = &one;
    }
    return best;
  }

  static void write_price(const offer& best, json& fields) {
    const auto list = amount_of(best.list_price);
    if (list && *list > *amount_of(best.price)) {
      fields["price"] = best.list_price;
      fields["sale"] = best.price;
    } else {
      fields["price"] = best.price;
    }
  }

  std::string availability() const {
    std::string word;
    for (const offer& one : offers_) {
      if (one.availability == "in_stock") return one.availability;
      if (word.empty()) word = one.availability;
    }
    return word;
  }

  std::vector<offer> offers_;
};

void set(json& fields, const char* name, std::string text) {
  if (!text.empty()) fields[name] = std::move(text);
}

void set_list(json& fields, const char* name, const std::vector<std::string>& list) {
  if (!list.empty()) fields[name] = list;
}

std::string identity_of(const json& node) {
  if (is_type(node, "ProductGroup")) {
    if (std::string id = first_text(node, {"productGroupID"}); !id.empty()) return id;
  }
  return first_text(node, {"sku", "productID", "productGroupID", "mpn", "gtin13", "gtin14", "gtin12", "gtin8",
                           "gtin", "identifier"});
}

std::string gender_of(const json& node) {
  const json& audience = member(node, "audience");
  std::string gender = first_text(audience.is_array() && !audience.empty() ? audience.front() : audience,
                                  {"suggestedGender", "gender"});
  if (gender.empty()) gender = first_text(node, {"gender"});
  return bare_word(gender);
}

}  // namespace

std::string plain_text(std::string_view text) {
  if (text.find_first_of("<&") == std::string_view::npos) return std::string(trimmed(text));
  const auto piece = html_document::parse_fragment(text, "div", html_namespace::html, "a text");
  return piece ? piece->root().visible_text() : std::string(trimmed(text));
}

std::string handle_in_address(std::string_view address) {
  const auto read = parse_url(address);
  std::string path = read ? read->path : std::string(address.substr(0, address.find_first_of("?#")));
  if (const std::size_t at = path.rfind("/products/"); at != std::string::npos) {
    path = path.substr(at + 10);
    path = path.substr(0, path.find('/'));
  } else {
    while (path.ends_with('/')) path.pop_back();
    path = path.substr(path.rfind('/') + 1);
  }
  for (const std::string_view ending : {".html", ".htm"}) {
    if (path.ends_with(ending)) path.resize(path.size() - ending.size());
  }
  std::string handle = percent_decode(path);
  std::erase(handle, '\0');  // no database takes it
  return handle;
}

void add_missing_fields(json& fields, const json& more) {
  for (const auto& [name, value] : more.items()) {
    json& known = fields[name];
    if (known.is_null() || (known.is_string() && known.get_ref<const std::string&>().empty()) ||
        (known.is_array() && known.empty())) {
      known = value;
    }
  }
}

json fields_of_product(const json& node) {
  json fields = json::object();
  set(fields, "external_id", identity_of(node));
  set(fields, "title", plain_text(first_text(node, {"name", "title"})));
  set(fields, "description", plain_text(first_text(node, {"description"})));
  set(fields, "brand", plain_text(first_text(node, {"brand", "manufacturer"})));
  set(fields, "category", plain_text(first_text(node, {"category"})));
  set(fields, "gender", gender_of(node));
  set(fields, "product_url", first_text(node, {"url"}));

  std::vector<std::string> images, colors, sizes;
  offer_collection offers;
  const auto take = [&](const json& one) {
    add_images(member(one, "image"), images);
    add_texts(member(one, "color"), colors);
    add_texts(member(one, "size"), sizes);
    offers.add(member(one, "offers"));
  };
  take(node);
  const json& variants = member(node, "hasVariant");
  if (variants.is_object()) take(variants);
  if (variants.is_array()) {
    for (const json& variant : variants) take(variant);
  }
  set_list(fields, "image_url", images);
  if (images.size() > 1) fields["additional_images"] = std::vector(images.begin() + 1, images.end());
  set_list(fields, "color_names", colors);
  set_list(fields, "size", sizes);
  offers.write(fields);
  return fields;
}

}  // namespace catwalk::scrape
