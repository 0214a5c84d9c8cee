#include "scrape/card_grid.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>

#include "scrape/html_field.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

constexpr std::size_t fewest_cards = 3;
/// A price is a short text in few elements.
constexpr std::uint32_t most_nodes_of_a_price = 12;
constexpr std::size_t longest_price = 40;

constexpr unsigned char has_link = 1, has_picture = 2, has_price = 4, has_all = 7;

/// What prices are marked with, the longer ones first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 24> marks{
    {{"US$", "USD"}, {"CA$", "CAD"}, {"AU$", "AUD"}, {"USD", "USD"}, {"EUR", "EUR"}, {"GBP", "GBP"},
     {"CZK", "CZK"}, {"PLN", "PLN"}, {"CHF", "CHF"}, {"SEK", "SEK"}, {"NOK", "NOK"}, {"DKK", "DKK"},
     {"HUF", "HUF"}, {"RON", "RON"}, {"CAD", "CAD"}, {"AUD", "AUD"}, {"JPY", "JPY"}, {"€", "EUR"},
     {"£", "GBP"},   {"¥", "JPY"},   {"₹", "INR"},   {"Kč", "CZK"},  {"zł", "PLN"},  {"$", "USD"}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The currency of a text that is nothing but a price; nullopt where it is something else.
std::optional<std::string> currency_of_price(std::string_view text) {
  if (text.size() > longest_price || std::none_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  for (const auto& [mark, currency] : marks) {
    if (text.find(mark) != std::string_view::npos) return std::string(currency);
  }
  return std::nullopt;
}

bool names_a_price(const html_node& element) {
  return lower_ascii(element.attribute("class").value_or("")).find("price") != std::string::npos;
}

/// A price by its mark, or a mere number that its element's class calls one.
bool is_price(const html_node& element) {
  if (element.end_index() - element.index() > most_nodes_of_a_price) return false;
  const std::string text = element.visible_text();
  if (currency_of_price(text)) return true;
  return names_a_price(element) && text.size() <= longest_price &&
         std::any_of(text.begin(), text.end(), is_digit);
}

bool is_picture(const html_node& element) {
  if (element.name() != "img") return false;
  return std::any_of(element.attributes().begin(), element.attributes().end(), [](const html_attribute& one) {
    return one.name.find("src") != std::string_view::npos && !trimmed(one.value).empty();
  });
}

bool is_unseen(std::string_view name) {
  constexpr std::array<std::string_view, 6> unseen{"script", "style", "template", "noscript", "head", "svg"};
  return std::find(unseen.begin(), unseen.end(), name) != unseen.end();
}

unsigned char own_marks(const html_node& element) {
  unsigned char found = 0;
  if (element.name() == "a" && element.attribute("href")) found |= has_link;
  if (is_picture(element)) found |= has_picture;
  if (is_price(element)) found |= has_price;
  return found;
}

/// The innermost elements that hold a link, a picture and a price.
std::vector<html_node> cards_of(const html_document& page) {
  std::vector<unsigned char> found(page.size(), 0);
  std::vector<bool> inner(page.size(), false);  // an element within it is a card, or holds one
  std::vector<html_node> cards;
  // Backwards: an element's descendants come before it.
  for (std::uint32_t at = page.size(); at-- > 0;) {
    const html_node node = page.node(at);
    if (!node.is_element() || is_unseen(node.name())) continue;
    found[at] |= own_marks(node);
    const html_node parent = node.parent();
    const bool whole = found[at] == has_all;
    if (whole && !inner[at]) cards.push_back(node);
    if (!parent) continue;
    found[parent.index()] |= found[at];
    if (whole) inner[parent.index()] = true;
  }
  std::reverse(cards.begin(), cards.end());
  return cards;
}

bool is_plain_class(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
  };
  const auto begins = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && begins(name.front()) && std::all_of(name.begin(), name.end(), plain);
}

/// The classes of an element that a selector takes as they stand, in their order.
std::vector<std::string> classes_of(const html_node& element) {
  std::vector<std::string> list;
  std::string_view left = element.attribute("class").value_or("");
  while (!left.empty()) {
    const std::size_t end = std::min(left.find_first_of(" \t\r\n\f"), left.size());
    if (is_plain_class(left.substr(0, end))) list.emplace_back(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return list;
}

/// `name.class` for each class, or the children of what their parent is called.
std::vector<std::string> selectors_of(const html_node& element) {
  const std::string name(element.name());
  std::vector<std::string> list;
  const auto add = [&](const html_node& of, const std::string& one) -> std::string& {
    return list.emplace_back(of.name()).append(".").append(one);
  };
  for (const std::string& one : classes_of(element)) add(element, one);
  const html_node parent = element.parent();
  if (!list.empty() || !parent.is_element()) return list;
  for (const std::string& one : classes_of(parent)) add(parent, one).append(" > ").append(name);
  return list;
}

/// The selector that most of the cards share, with these cards.
std::pair<std::string, std::vector<html_node>> largest_group(const std::vector<html_node>& cards) {
  std::map<std::string, std::vector<html_node>> groups;
  std::vector<std::string> in_order;
  for (const html_node& card : cards) {
    for (const std::string& one : selectors_of(card)) {
      auto& group = groups[one];
      if (group.empty()) in_order.push_back(one);
      group.push_back(card);
    }
  }
  std::string best;
  for (const std::string& one : in_order) {
    if (best.empty() || groups[one].size() > groups[best].size()) best = one;
  }
  return {best, best.empty() ? std::vector<html_node>() : std::move(groups[best])};
}

/// An element of a card that fits, as a selector within the card; empty: none.
template <class Fits>
std::string within(const html_node& card, Fits fits) {
  const html_document& page = card.document();
  for (std::uint32_t at = card.index() + 1; at < card.end_index(); ++at) {
    const html_node node = page.node(at);
    if (!node.is_element() || is_unseen(node.name()) || !fits(node)) continue;
    const auto classes = classes_of(node);
    return std::string(node.name()) + (classes.empty() ? "" : "." + classes.front());
  }
  return {};
}

bool is_heading(const html_node& element) {
  const std::string_view name = element.name();
  return name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6';
}

bool is_named_title(const html_node& element) {
  const std::string classes = lower_ascii(element.attribute("class").value_or(""));
  return classes.find("title") != std::string::npos || classes.find("name") != std::string::npos;
}

std::string title_selector(const html_node& card) {
  const auto says_something = [](const html_node& node) {
    return !node.visible_text().empty() && !is_price(node);
  };
  std::string found =
      within(card, [&](const html_node& node) { return is_heading(node) && says_something(node); });
  if (found.empty())
    found = within(card, [&](const html_node& node) { return is_named_title(node) && says_something(node); });
  if (found.empty())
    found = within(card, [&](const html_node& node) { return node.name() == "a" && says_something(node); });
  return found.empty() ? "img@alt" : found;
}

/// The price that is struck through, or that its class calls an earlier one.
bool is_old_price(const html_node& element) {
  if (element.name() == "del" || element.name() == "s" || element.name() == "strike") return true;
  const std::string classes = lower_ascii(element.attribute("class").value_or(""));
  constexpr std::array<std::string_view, 5> words{"old", "was", "compare", "before", "original"};
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return classes.find(word) != std::string::npos; });
}

bool within_old_price(const html_node& element, const html_node& card) {
  for (html_node at = element; at && at != card; at = at.parent()) {
    if (is_old_price(at)) return true;
  }
  return false;
}

/// An element that is a price and has none inside.
bool is_innermost_price(const html_node& element) {
  if (!is_price(element)) return false;
  for (html_node child = element.first_child(); child; child = child.next_sibling()) {
    if (child.is_element() && is_price(child)) return false;
  }
  return true;
}

/// A data attribute by which shops name a product, where each card has another value of it.
std::string id_selector(const std::vector<html_node>& cards) {
  for (const std::string_view name : {"data-product-id", "data-productid", "data-product", "data-id",
                                      "data-sku", "data-pid", "data-item-id"}) {
    std::set<std::string_view> values;
    for (const html_node& card : cards) {
      const auto value = trimmed(card.attribute(name).value_or(""));
      if (!value.empty() && value.find_first_of("{[") == std::string_view::npos) values.insert(value);
    }
    if (values.size() == cards.size()) return "[" + std::string(name) + "]";
  }
  return "href";
}

std::string currency_in(const html_node& card) {
  const html_document& page = card.document();
  for (std::uint32_t at = card.index(); at < card.end_index(); ++at) {
    const html_node node = page.node(at);
    if (!node.is_element() || !is_price(node)) continue;
    if (auto currency = currency_of_price(node.visible_text())) return *currency;
  }
  return {};
}

}  // namespace

std::optional<card_grid> find_card_grid(const html_document& page) {
  auto [selector, cards] = largest_group(cards_of(page));
  std::set<std::string> addresses;
  for (const html_node& card : cards) addresses.insert(link_of(card));
  if (cards.size() < fewest_cards || addresses.size() < fewest_cards) return std::nullopt;
  const html_node& first = cards.front();
  const auto current = [&](const html_node& node) {
    return is_innermost_price(node) && !within_old_price(node, first);
  };
  const std::string price = within(first, current);
  if (price.empty()) return std::nullopt;
  card_grid grid;
  grid.product_selector = std::move(selector);
  grid.product_selectors = {{"external_id", id_selector(cards)},
                            {"title", title_selector(first)},
                            {"product_url", "href"},
                            {"image", "img"},
                            {"price", price}};
  grid.currency = currency_in(first);
  grid.cards = cards.size();
  return grid;
}

}  // namespace catwalk::scrape
