#include "scrape/link_groups.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/url.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

constexpr std::size_t fewest_links = 2;
constexpr std::size_t most_selectors = 3;

/// How much a folder's name says for products.
int rank_of(const std::string& folder) {
  constexpr std::array<std::string_view, 10> products{
      "/product/", "/products/", "/p/", "/item/", "/items/", "/prod/", "/pd/", "/dp/", "/shop/", "/produkt/"};
  constexpr std::array<std::string_view, 12> others{"/blog/",  "/news/",     "/help/",  "/account/",
                                                    "/cart/",  "/category/", "/legal/", "/stores/",
                                                    "/pages/", "/policies/", "/about/", "/collections/"};
  const std::string name = lower_ascii(folder);
  const auto ends = [&](std::string_view known) { return name.ends_with(known); };
  if (std::any_of(products.begin(), products.end(), ends)) return 2;
  return std::any_of(others.begin(), others.end(), ends) ? 0 : 1;
}

bool is_safe(const std::string& folder) {
  return folder.find_first_of("\"\\\n\r") == std::string::npos;
}

/// The folders of a path, "/a/b/c" being in "/a/" and in "/a/b/".
std::vector<std::string> folders_of(const std::string& path) {
  std::vector<std::string> folders;
  for (std::size_t at = path.find('/', 1); at != std::string::npos && at + 1 < path.size();
       at = path.find('/', at + 1))
    folders.push_back(path.substr(0, at + 1));
  return folders;
}

struct group {
  std::string folder;
  int rank = 0;
  std::size_t links = 0;
};

}  // namespace

std::vector<std::string> product_link_selectors(const html_document& page, const std::string& address) {
  std::map<std::string, std::set<std::string>> paths;  // by folder
  const std::string host = host_of(address);
  for (std::uint32_t at = 0; at < page.size(); ++at) {
    const html_node node = page.node(at);
    if (!node.is_element() || node.name() != "a") continue;
    const std::string written(trimmed(node.attribute("href").value_or("")));
    const auto leads = resolve_url(address, written);
    if (written.empty() || leads.has_error() || host_of(*leads) != host) continue;
    const auto parsed = parse_url(*leads);
    if (parsed.has_error()) continue;
    for (const std::string& folder : folders_of(parsed->path)) {
      // The selector is of what is written.
      if (is_safe(folder) && written.find(folder) != std::string::npos) paths[folder].insert(parsed->path);
    }
  }
  std::vector<group> groups;
  for (const auto& [folder, of_folder] : paths) {
    if (of_folder.size() >= fewest_links) groups.push_back({folder, rank_of(folder), of_folder.size()});
  }
  std::stable_sort(groups.begin(), groups.end(), [](const group& a, const group& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.links > b.links;
  });
  std::vector<std::string> selectors;
  for (const group& one : groups) {
    if (one.rank > 0 && selectors.size() < most_selectors)
      selectors.push_back("a[href*=\"" + one.folder + "\"]");
  }
  return selectors;
}

}  // namespace catwalk::scrape
