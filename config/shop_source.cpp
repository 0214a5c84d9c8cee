#include "config/shop_source.hpp"

#include "config/source_values.hpp"
#include "config/yaml_value.hpp"

namespace catwalk::config {
namespace {

bool stands_alone(const yaml_node& node) {
  return node.type == yaml_node::kind::scalar || node.type == yaml_node::kind::sequence;
}

}  // namespace

shopify_source read_shopify_source(const yaml_node& node, const std::string& path, problems& found) {
  shopify_source shop;
  std::vector<located_text> urls;
  if (stands_alone(node)) {
    addresses(urls, found)(node, path);
  } else {
    mapping_reader reader(path, found);
    reader.on("url", addresses(urls, found))
        .on("collections",
            [&](const yaml_node& value, const std::string& name) {
              if (value.type == yaml_node::kind::scalar && value.text == "all") {
                shop.every_collection = true;
              } else if (auto handles = read_texts(value, name, found)) {
                shop.collections = std::move(*handles);
              }
            })
        .on("field_map",
            [&](const yaml_node& value, const std::string& name) {
              shop.field_map = read_field_map(value, name, found);
            })
        .on("headers", headers(shop.headers, found))
        .on("prewarm", addresses(shop.prewarm, found))
        .on("prewarm_urls", addresses(shop.prewarm, found))
        .on("debug", flag(shop.debug, found));
    if (!reader.read(node)) return shop;
    if (!node.find("url")) refuse(found, node.where, path + ": needs url, the shop's address");
  }
  if (urls.size() > 1) refuse(found, urls[1].where, path + ".url: expected one address, found several");
  if (urls.empty()) return shop;
  shop.url = urls.front();
  // What people copy from the address bar means the shop.
  const std::string listing = "/products.json";
  if (const auto at = shop.url.text.find(listing); at != std::string::npos) shop.url.text.resize(at);
  while (shop.url.text.ends_with('/')) shop.url.text.pop_back();
  return shop;
}

sitemap_source read_sitemap_source(const yaml_node& node, const std::string& path, problems& found) {
  sitemap_source source;
  if (stands_alone(node)) {
    addresses(source.urls, found)(node, path);
    return source;
  }
  mapping_reader reader(path, found);
  reader.on("url", addresses(source.urls, found))
      .on("urls", addresses(source.urls, found))
      .on("url_contains",
          [&](const yaml_node& value, const std::string& name) {
            const auto parts = read_texts(value, name, found);
            if (!parts) return;
            for (const auto& part : *parts) {
              if (!part.text.empty()) source.url_contains.push_back(part.text);
            }
          })
      .on("headers", headers(source.headers, found))
      .on("prewarm", addresses(source.prewarm, found))
      .on("prewarm_urls", addresses(source.prewarm, found))
      .on("debug", flag(source.debug, found));
  if (!reader.read(node)) return source;
  if (!node.find("url") && !node.find("urls")) refuse(found, node.where, path + ": needs url");
  return source;
}

feed_source read_feed_source(const yaml_node& node, const std::string& path, problems& found) {
  feed_source source;
  if (stands_alone(node)) {
    addresses(source.urls, found)(node, path);
    return source;
  }
  mapping_reader reader(path, found);
  reader.on("url", addresses(source.urls, found))
      .on("urls", addresses(source.urls, found))
      .on("field_map",
          [&](const yaml_node& value, const std::string& name) {
            source.field_map = read_field_map(value, name, found);
          })
      .on("headers", headers(source.headers, found))
      .on("debug", flag(source.debug, found));
  if (!reader.read(node)) return source;
  if (!node.find("url") && !node.find("urls")) refuse(found, node.where, path + ": needs url");
  return source;
}

}  // namespace catwalk::config
