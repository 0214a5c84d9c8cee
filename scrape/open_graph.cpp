#include "scrape/open_graph.hpp"

#include <map>
#include <string>
#include <vector>

#include "scrape/structured_product.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;
using properties = std::map<std::string, std::vector<std::string>>;

properties properties_of(const html_document& page) {
  properties found;
  for (std::uint32_t at = 0; at < page.size(); ++at) {
    const html_node node = page.node(at);
    if (!node.is_element() || node.name() != "meta") continue;
    auto name = node.attribute("property");
    if (!name) name = node.attribute("name");
    const auto content = node.attribute("content");
    if (!name || !content || trimmed(*content).empty()) continue;
    found[lower_ascii(trimmed(*name))].emplace_back(trimmed(*content));
  }
  return found;
}

std::string first(const properties& all, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const auto it = all.find(name); it != all.end()) return it->second.front();
  }
  return {};
}

void set(json& fields, const char* name, const std::string& text) {
  if (!text.empty()) fields[name] = text;
}

bool is_zero(const std::string& price) {
  return price.find_first_of("123456789") == std::string::npos;
}

void set_prices(const properties& all, json& fields) {
  const std::string price = first(all, {"product:price:amount", "og:price:amount", "product:price"});
  const std::string original = first(
      all, {"product:original_price:amount", "product:pretax_price:amount", "og:price:standard_amount"});
  const std::string sale = first(all, {"product:sale_price:amount", "product:sale_price"});
  const std::string regular = original.empty() || is_zero(original) ? price : original;
  if (regular.empty() || is_zero(regular)) return;
  fields["price"] = regular;
  if (!sale.empty() && !is_zero(sale) && sale != regular) {
    fields["sale"] = sale;
  } else if (regular != price && !price.empty() && !is_zero(price)) {
    fields["sale"] = price;
  }
  set(fields, "currency",
      first(all, {"product:price:currency", "og:price:currency", "product:original_price:currency"}));
}

}  // namespace

json open_graph_product(const html_document& page) {
  const properties all = properties_of(page);
  const auto from_product = all.lower_bound("product:");
  const bool has_product = from_product != all.end() && from_product->first.starts_with("product:");
  const std::string type = lower_ascii(first(all, {"og:type"}));
  if (!has_product && !type.starts_with("product") && type != "og:product") return nullptr;

  json fields = json::object();
  set(fields, "external_id",
      first(all, {"product:retailer_item_id", "product:sku", "product:retailer_part_no"}));
  set(fields, "title", plain_text(first(all, {"og:title"})));
  set(fields, "description", plain_text(first(all, {"og:description"})));
  set(fields, "brand", first(all, {"product:brand", "og:brand"}));
  set(fields, "availability", first(all, {"product:availability", "og:availability"}));
  set(fields, "category", first(all, {"product:category"}));
  set(fields, "gender", first(all, {"product:gender", "product:target_gender"}));
  set(fields, "product_url", first(all, {"og:url"}));
  set_prices(all, fields);
  for (const auto& [name, field] :
       {std::pair("product:color", "color_names"), std::pair("product:size", "size")}) {
    if (const auto it = all.find(name); it != all.end()) fields[field] = it->second;
  }
  std::vector<std::string> images;
  for (const char* name : {"og:image", "og:image:url", "og:image:secure_url"}) {
    const auto it = all.find(name);
    if (it != all.end() && images.empty()) images = it->second;
  }
  if (!images.empty()) fields["image_url"] = images;
  if (images.size() > 1) fields["additional_images"] = std::vector(images.begin() + 1, images.end());
  return fields;
}

}  // namespace catwalk::scrape
