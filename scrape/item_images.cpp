#include "scrape/item_images.hpp"

#include <algorithm>

#include "scrape/image_source.hpp"
#include "scrape/list_limit.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

/// The texts lie in `value`.
void collect(const json& value, std::vector<std::string_view>& into) {
  if (value.is_array()) {
    for (const json& entry : value) collect(entry, into);
  } else if (value.is_string()) {
    const std::string_view text = trimmed(value.get_ref<const std::string&>());
    if (!text.empty()) into.push_back(text);
  }
}

std::vector<std::string_view> texts(const json& fields, const char* name) {
  std::vector<std::string_view> list;
  if (const auto it = fields.find(name); it != fields.end()) collect(*it, list);
  return list;
}

bool wanted(std::string_view address, const std::vector<std::string>& any_of) {
  return any_of.empty() || std::any_of(any_of.begin(), any_of.end(), [&](const std::string& part) {
           return address.find(part) != std::string_view::npos;
         });
}

/// The address without its parameters for the picture's width: what tells two pictures apart.
std::string identity(std::string_view address) {
  const std::size_t question = std::min(address.find('?'), address.size());
  std::string out(address.substr(0, question));
  char joint = '?';
  for (std::size_t at = question + 1; at <= address.size();) {
    const std::size_t end = std::min(address.find('&', at), address.size());
    const std::string_view parameter = address.substr(at, end - at);
    at = end + 1;
    if (parameter.starts_with("w=") || parameter.starts_with("width=")) continue;
    out += joint;
    out += parameter;
    joint = '&';
  }
  return out;
}

bool is_relative(std::string_view raw) {
  return !raw.starts_with("//") && raw.find("://") == std::string_view::npos;
}

}  // namespace

item_images images_of(const json& fields, const shop_rules& rules, std::string_view base, int width) {
  item_images images;
  const std::vector<std::string_view> all = texts(fields, "_xmedia_urls");
  const std::vector<std::string_view> named = texts(fields, "image_url");
  for (const std::string_view raw : fields.contains("image_url") ? named : all) {
    if (!wanted(raw, rules.image_url_contains)) continue;
    auto usable = usable_image_url(raw, base, width);
    if (usable.has_error()) continue;
    images.main = std::move(*usable);
    images.raw_main = raw;
    break;
  }
  if (images.main.empty()) return images;

  std::vector<std::string> seen{identity(images.main)};
  for (const std::string_view raw : all.empty() ? texts(fields, "additional_images") : all) {
    // Zara's `path` names the picture's folder on the CDN, not a picture of the shop's own host.
    if (rules.zara && is_relative(raw)) continue;
    if (raw == images.raw_main) continue;
    auto usable = usable_image_url(raw, base, width);
    if (usable.has_error()) continue;
    std::string key = identity(*usable);
    if (seen.size() > most_listed) break;
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
    seen.push_back(std::move(key));
    images.additional.push_back(std::move(*usable));
  }
  return images;
}

}  // namespace catwalk::scrape
