#include "scrape/structured_data.hpp"

#include <algorithm>
#include <utility>

#include "core/url.hpp"
#include "scrape/open_graph.hpp"
#include "scrape/structured_node.hpp"
#include "scrape/structured_product.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

std::string text(const json& fields, const char* name) {
  const auto it = fields.find(name);
  return it != fields.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::string without_query(const std::string& address) {
  return address.substr(0, address.find_first_of("?#"));
}

/// Relative addresses of an item mean what they mean on its page.
void make_absolute(json& fields, const std::string& base) {
  for (const char* name : {"product_url", "image_url", "additional_images"}) {
    const auto it = fields.find(name);
    if (it == fields.end()) continue;
    const auto resolve_one = [&](json& value) {
      if (!value.is_string()) return;
      if (auto absolute = resolve_url(base, value.get_ref<const std::string&>()))
        value = std::move(*absolute);
    };
    if (it->is_array()) {
      for (json& one : *it) resolve_one(one);
    } else {
      resolve_one(*it);
    }
  }
}

std::vector<structured_item> items_of(const std::vector<json>& nodes) {
  std::vector<structured_item> items;
  for (json& node : product_nodes(nodes)) {
    json fields = fields_of_product(node);
    if (fields.contains("title") || fields.contains("price"))
      items.push_back({std::move(fields), std::move(node)});
  }
  return items;
}

std::size_t find_main(const std::vector<structured_item>& items, const std::string& address) {
  const auto about_page = std::find_if(items.begin(), items.end(), [&](const structured_item& one) {
    return without_query(text(one.fields, "product_url")) == without_query(address);
  });
  return about_page == items.end() ? 0 : static_cast<std::size_t>(about_page - items.begin());
}

}  // namespace

const structured_item* structured_page::main_item() const noexcept {
  return main < items.size() ? &items[main] : nullptr;
}

structured_page read_structured_data(const html_document& page, const std::string& address,
                                     const std::string& base) {
  structured_page read;
  const std::vector<json> ld = json_ld_nodes(page, read.warnings);
  const std::vector<json> micro = microdata_nodes(page);
  read.items = items_of(ld);
  std::vector<structured_item> from_microdata = items_of(micro);
  json graph = open_graph_product(page);
  if (read.items.empty()) {
    read.items = std::move(from_microdata);
    from_microdata.clear();
  }
  if (read.items.empty() && graph.is_object()) read.items.push_back({std::exchange(graph, nullptr), nullptr});

  for (structured_item& one : read.items) make_absolute(one.fields, base);
  read.main = find_main(read.items, address);
  if (!read.items.empty()) {
    // Microdata and OpenGraph speak of the page's product, where there is but one to speak of.
    json& about = read.items[read.main].fields;
    for (json* more : {from_microdata.size() == 1 ? &from_microdata.front().fields : nullptr, &graph}) {
      if (!more || !more->is_object()) continue;
      make_absolute(*more, base);
      const bool one_price = about.contains("price");
      if (one_price) more->erase("sale");  // a sale goes with the price it was given with
      add_missing_fields(about, *more);
    }
  }
  for (structured_item& one : read.items) {
    if (one.fields.contains("external_id")) continue;
    std::string handle = handle_in_address(text(one.fields, "product_url"));
    if (handle.empty() && read.items.size() == 1) handle = handle_in_address(address);
    if (!handle.empty()) one.fields["external_id"] = std::move(handle);
  }
  std::vector<std::string> links = product_links(ld);
  for (std::string& link : product_links(micro)) links.push_back(std::move(link));
  for (const std::string& link : links) {
    auto absolute = resolve_url(base, link);
    if (!absolute || std::find(read.links.begin(), read.links.end(), *absolute) != read.links.end()) continue;
    read.links.push_back(std::move(*absolute));
  }
  return read;
}

}  // namespace catwalk::scrape
