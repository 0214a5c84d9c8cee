#include "scrape/html_image.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/url.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

struct candidate {
  std::string address;
  double width = 0;    ///< pixels; 0: not given
  double density = 1;  ///< where no width is given
};

/// Splits a srcset as the HTML standard does (4.8.4.3.8): addresses may hold commas, descriptors may not.
std::vector<candidate> parse_srcset(std::string_view text) {
  std::vector<candidate> list;
  std::size_t at = 0;
  while (at < text.size()) {
    while (at < text.size() && (is_blank(text[at]) || text[at] == ',')) ++at;
    const std::size_t start = at;
    while (at < text.size() && !is_blank(text[at])) ++at;
    std::string_view address = text.substr(start, at - start);
    const bool ends_here = address.ends_with(',');
    while (address.ends_with(',')) address.remove_suffix(1);
    if (address.empty()) continue;
    candidate one;
    one.address = std::string(address);
    if (!ends_here) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      const std::string_view descriptor = trimmed(text.substr(at, end - at));
      double number = 0;
      const auto read = std::from_chars(descriptor.data(), descriptor.data() + descriptor.size(), number);
      if (read.ec == std::errc() && descriptor.ends_with('w')) one.width = number;
      if (read.ec == std::errc() && descriptor.ends_with('x')) one.density = number;
      at = end;
    }
    list.push_back(std::move(one));
  }
  return list;
}

bool is_placeholder(std::string_view address) {
  return address.empty() || address.starts_with("data:") || address == "#" || address.starts_with("about:");
}

void add(std::string_view address, std::vector<std::string>& list) {
  address = trimmed(address);
  if (is_placeholder(address)) return;
  if (std::find(list.begin(), list.end(), address) == list.end()) list.emplace_back(address);
}

void add_srcsets(const html_node& element, int width, std::vector<std::string>& list) {
  for (const char* name : {"srcset", "data-srcset", "data-lazy-srcset"}) {
    if (const auto srcset = element.attribute(name)) add(choose_from_srcset(*srcset, width), list);
  }
}

void add_background(const html_node& element, std::vector<std::string>& list) {
  const std::string_view style = element.attribute("style").value_or("");
  const std::size_t at = style.find("url(");
  if (at == std::string_view::npos) return;
  std::string_view address = style.substr(at + 4);
  address = trimmed(address.substr(0, address.find(')')));
  if (address.size() >= 2 && (address.front() == '"' || address.front() == '\'')) {
    address = address.substr(1, address.size() - 2);
  }
  add(address, list);
}

}  // namespace

std::string choose_from_srcset(std::string_view srcset, int width) {
  const std::vector<candidate> list = parse_srcset(srcset);
  const candidate* best = nullptr;
  const auto better = [&](const candidate& one) {
    if (!best) return true;
    if (one.width == 0 || best->width == 0) {
      if (one.width != 0 || best->width != 0) return one.width != 0;
      return std::abs(one.density - 1) < std::abs(best->density - 1);
    }
    const bool fits = one.width <= width;
    const bool best_fits = best->width <= width;
    if (fits != best_fits) return fits;
    return fits ? one.width > best->width : one.width < best->width;
  };
  for (const candidate& one : list) {
    if (!is_placeholder(one.address) && better(one)) best = &one;
  }
  return best ? best->address : std::string();
}

std::vector<std::string> image_candidates(const html_node& element, int width) {
  static constexpr std::array<const char*, 8> lazy{"data-src",      "data-lazy-src",  "data-original",
                                                   "data-lazy",     "data-image",     "data-img",
                                                   "data-full-src", "data-zoom-image"};
  std::vector<std::string> list;
  add_srcsets(element, width, list);
  for (const char* name : lazy) {
    const auto address = element.attribute(name);
    // Some of these hold JSON or a number elsewhere.
    if (address && address->find_first_of("./") != std::string_view::npos && !address->starts_with('{')) {
      add(*address, list);
    }
  }
  for (const char* name : {"src", "content"}) {
    if (const auto address = element.attribute(name)) add(*address, list);
  }
  if (element.name() == "link" || element.name() == "a") {
    if (const auto address = element.attribute("href")) add(*address, list);
  }
  if (const html_node parent = element.parent(); parent.is_element() && parent.name() == "picture") {
    for (html_node child = parent.first_child(); child; child = child.next_sibling()) {
      if (child.is_element() && child.name() == "source") add_srcsets(child, width, list);
    }
  }
  add_background(element, list);
  return list;
}

std::string base_of(const html_document& page, const std::string& address) {
  for (std::uint32_t at = 0; at < page.size(); ++at) {
    const html_node node = page.node(at);
    if (!node.is_element() || node.name() != "base") continue;
    const auto href = node.attribute("href");
    if (!href) continue;
    auto base = resolve_url(address, *href);
    return base ? *base : address;
  }
  return address;
}

}  // namespace catwalk::scrape
