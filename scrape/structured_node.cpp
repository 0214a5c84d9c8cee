#include "scrape/structured_node.hpp"

#include <algorithm>
#include <array>

namespace catwalk::scrape {
namespace {

using nlohmann::json;

constexpr int deepest_search = 12;

/// The last part of `https://schema.org/Product`, `schema:Product`, `Product`.
std::string_view bare_type(std::string_view type) {
  const std::size_t cut = type.find_last_of("/#:");
  return cut == std::string_view::npos ? type : type.substr(cut + 1);
}

bool is_product(const json& node) {
  static constexpr std::array<std::string_view, 6> kinds{"Product",      "ProductGroup", "IndividualProduct",
                                                         "ProductModel", "SomeProducts", "ProductCollection"};
  return std::any_of(kinds.begin(), kinds.end(), [&](std::string_view kind) { return is_type(node, kind); });
}

/// Members through which lists and pages name what they are about. A product's own members lead to
/// accessories and variants, which are not searched.
void find_products(const json& value, std::vector<json>& found, int depth) {
  static constexpr std::array<const char*, 6> leading{
      "mainEntity", "mainEntityOfPage", "itemListElement", "item", "about", "offers"};
  if (depth > deepest_search) return;
  if (value.is_array()) {
    for (const json& one : value) find_products(one, found, depth + 1);
  } else if (value.is_object()) {
    if (is_product(value)) {
      // A page that refers to its product by `@id` names it twice.
      if (std::find(found.begin(), found.end(), value) == found.end()) found.push_back(value);
      return;
    }
    for (const char* member : leading) {
      if (const auto next = value.find(member); next != value.end()) find_products(*next, found, depth + 1);
    }
    // `{"@type": "Offer", "itemOffered": {product}}`: the offer's own terms belong to the product.
    if (const auto offered = value.find("itemOffered"); offered != value.end() && offered->is_object()) {
      json product = *offered;
      if (is_product(product)) {
        if (!product.contains("offers")) {
          json offer = value;
          offer.erase("itemOffered");
          product["offers"] = std::move(offer);
        }
        found.push_back(std::move(product));
      }
    }
  }
}

void find_links(const json& value, std::vector<std::string>& found, int depth) {
  if (depth > deepest_search) return;
  if (value.is_array()) {
    for (const json& one : value) find_links(one, found, depth + 1);
    return;
  }
  if (!value.is_object()) return;
  const auto add = [&](const json& node) {
    const auto url = node.find("url");
    if (url != node.end() && url->is_string()) found.push_back(url->get<std::string>());
  };
  if (is_product(value)) {
    add(value);
    return;
  }
  if (is_type(value, "ListItem")) {
    const auto item = value.find("item");
    if (item == value.end()) {
      add(value);
    } else if (item->is_string()) {
      found.push_back(item->get<std::string>());
    } else {
      find_links(*item, found, depth + 1);
    }
    return;
  }
  const bool crumbs = is_type(value, "BreadcrumbList");
  for (const char* member : {"mainEntity", "itemListElement"}) {
    const auto next = value.find(member);
    if (next != value.end() && !crumbs) find_links(*next, found, depth + 1);
  }
}

}  // namespace

bool is_type(const json& node, std::string_view type) {
  if (!node.is_object()) return false;
  const auto written = node.find("@type");
  if (written == node.end()) return false;
  const auto fits = [&](const json& one) {
    return one.is_string() && bare_type(one.get_ref<const std::string&>()) == type;
  };
  return written->is_array() ? std::any_of(written->begin(), written->end(), fits) : fits(*written);
}

std::vector<json> product_nodes(const std::vector<json>& nodes) {
  std::vector<json> found;
  for (const json& node : nodes) find_products(node, found, 0);
  return found;
}

std::vector<std::string> product_links(const std::vector<json>& nodes) {
  std::vector<std::string> found;
  for (const json& node : nodes) find_links(node, found, 0);
  std::vector<std::string> once;
  for (std::string& link : found) {
    if (std::find(once.begin(), once.end(), link) == once.end()) once.push_back(std::move(link));
  }
  return once;
}

}  // namespace catwalk::scrape
