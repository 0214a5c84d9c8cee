#include "core/product.hpp"

#include "core/sha256.hpp"

namespace catwalk {
namespace {

// One list of members, so that writing, reading and hashing cannot drift apart.
template <class Product, class Visitor>
void visit_members(Product& p, Visitor&& visit) {
  visit("source", p.source);
  visit("external_id", p.external_id);
  visit("product_url", p.product_url);
  visit("image_url", p.image_url);
  visit("raw_image_url", p.raw_image_url);
  visit("additional_images", p.additional_images);
  visit("affiliate_url", p.affiliate_url);
  visit("title", p.title);
  visit("description", p.description);
  visit("brand", p.brand);
  visit("merchant", p.merchant);
  visit("country", p.country);
  visit("country_field", p.country_field);
  visit("category", p.category);
  visit("category_field", p.category_field);
  visit("subcategory", p.subcategory);
  visit("gender", p.gender);
  visit("raw_gender", p.raw_gender);
  visit("color_names", p.color_names);
  visit("size", p.size);
  visit("availability", p.availability);
  visit("price", p.price);
  visit("sale", p.sale);
  visit("price_amount", p.price_amount);
  visit("sale_amount", p.sale_amount);
  visit("currency", p.currency);
  visit("second_hand", p.second_hand);
  visit("other", p.other);
  visit("metadata", p.metadata);
  visit("endpoint", p.endpoint);
}

struct json_writer {
  nlohmann::json& out;
  template <class T>
  void operator()(const char* name, const T& value) const {
    out[name] = value;
  }
  template <class T>
  void operator()(const char* name, const std::optional<T>& value) const {
    if (value) out[name] = *value;
  }
};

struct json_reader {
  const nlohmann::json& in;
  template <class T>
  void operator()(const char* name, T& value) const {
    if (auto it = in.find(name); it != in.end()) it->get_to(value);
  }
  void operator()(const char* name, nlohmann::json& value) const {
    if (auto it = in.find(name); it != in.end()) value = *it;
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) const {
    if (auto it = in.find(name); it != in.end() && !it->is_null()) value = it->template get<T>();
  }
};

}  // namespace

std::string product::info_text() const {
  std::string text;
  const auto add = [&text](std::string_view label, const std::string& value) {
    if (value.empty()) return;
    if (!text.empty()) text += ' ';
    text += label;
    text += value;
  };
  const auto add_optional = [&add](std::string_view label, const std::optional<std::string>& value) {
    if (value) add(label, *value);
  };
  add("", title);
  add_optional("", description);
  add_optional("", category);
  add_optional("", brand);
  add_optional("Size: ", size);
  add_optional("", gender);
  add_optional("Price: ", price);
  add_optional("Sale: ", sale);
  add_optional("", other);
  for (const auto& [key, value] : metadata.items()) {
    if (value.is_null()) continue;
    add(key + ": ", value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

std::string product::field_hash() const {
  nlohmann::json members = nlohmann::json::object();
  visit_members(*this, json_writer{members});
  return sha256_hex(members.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

nlohmann::json to_json(const product& p) {
  nlohmann::json out{{"id", p.id.str()}, {"site", p.site.str()}, {"endpoint_index", p.endpoint_index}};
  visit_members(p, json_writer{out});
  if (!p.raw_item.is_null()) out["raw_item"] = p.raw_item;
  return out;
}

product product_from_json(const nlohmann::json& j) {
  product p;
  p.id = product_id(j.value("id", std::string()));
  p.site = site_name(j.value("site", std::string()));
  p.endpoint_index = j.value("endpoint_index", 0);
  visit_members(p, json_reader{j});
  if (const auto raw = j.find("raw_item"); raw != j.end()) p.raw_item = *raw;
  return p;
}

}  // namespace catwalk
