#include <algorithm>
#include <array>
#include <set>

#include "scrape/structured_node.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

constexpr int deepest_item = 16;
constexpr std::size_t most_items = 5000;
constexpr std::size_t most_bytes = 16'000'000;  ///< of values: an element may give one to any number of names

std::size_t weight_of(const json& value) {
  if (value.is_string()) return sizeof(json) + value.get_ref<const std::string&>().size();
  std::size_t sum = sizeof(json);
  if (value.is_structured())
    for (const json& member : value) sum += weight_of(member);
  return sum;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

/// The value of a property by its element (HTML standard, 5.2.4).
std::string value_of(const html_node& element) {
  struct source {
    std::string_view element, attribute;
  };
  static constexpr std::array<source, 15> sources{{{"meta", "content"},
                                                   {"audio", "src"},
                                                   {"embed", "src"},
                                                   {"iframe", "src"},
                                                   {"img", "src"},
                                                   {"source", "src"},
                                                   {"track", "src"},
                                                   {"video", "src"},
                                                   {"a", "href"},
                                                   {"area", "href"},
                                                   {"link", "href"},
                                                   {"object", "data"},
                                                   {"data", "value"},
                                                   {"meter", "value"},
                                                   {"time", "datetime"}}};
  // Shops write the number of a price into `content`, whatever the element.
  if (const auto content = element.attribute("content")) return std::string(trimmed(*content));
  for (const source& one : sources) {
    if (element.name() != one.element) continue;
    if (const auto value = element.attribute(one.attribute)) return std::string(trimmed(*value));
  }
  return element.visible_text();
}

class item_reader {
 public:
  explicit item_reader(const html_document& page) : page_(page) {}

  json read(const html_node& element, int depth = 0) {
    json item = json::object();
    const std::vector<std::string> types = words_of(element.attribute("itemtype").value_or(""));
    if (types.size() == 1) item["@type"] = types.front();
    if (types.size() > 1) item["@type"] = types;
    if (const auto id = element.attribute("itemid")) item["@id"] = std::string(trimmed(*id));
    if (depth >= deepest_item || ++items_ > most_items) return item;
    open_.insert(element.index());
    read_children(element, item, depth);
    std::set<std::string> referred_to;
    for (const std::string& id : words_of(element.attribute("itemref").value_or(""))) {
      if (!referred_to.insert(id).second) continue;
      const html_node referred = by_id(id);
      if (referred && !open_.count(referred.index())) read_tree(referred, referred.end_index(), item, depth);
    }
    open_.erase(element.index());
    return item;
  }

 private:
  void read_children(const html_node& element, json& item, int depth) {
    if (const html_node first = element.first_child()) read_tree(first, element.end_index(), item, depth);
  }

  /// Adds the properties of the elements from `first` up to `end` in the order of the document.
  void read_tree(const html_node& first, std::uint32_t end, json& item, int depth) {
    for (std::uint32_t at = first.index(); at < end;) {
      const html_node node = page_.node(at);
      ++at;
      if (!node.is_element()) continue;
      const bool is_item = node.attribute("itemscope").has_value();
      const auto names = words_of(node.attribute("itemprop").value_or(""));
      if (!names.empty()) {
        const json value = is_item ? read_once(node, depth + 1) : json(value_of(node));
        for (const std::string& name : names) add(item, name, value);
      }
      if (is_item) at = node.end_index();  // what is in it belongs to it
    }
  }

  json read_once(const html_node& element, int depth) {
    return open_.count(element.index()) ? json() : read(element, depth);
  }

  void add(json& item, const std::string& name, const json& value) {
    taken_ += weight_of(value);
    if (taken_ > most_bytes) return;
    json& known = item[name];
    if (known.is_null()) {
      known = value;
    } else {
      if (!known.is_array()) known = json::array({std::move(known)});
      known.push_back(value);
    }
  }

  html_node by_id(std::string_view id) const {
    for (std::uint32_t at = 0; at < page_.size(); ++at) {
      const html_node node = page_.node(at);
      if (node.is_element() && node.attribute("id") == id) return node;
    }
    return {};
  }

  const html_document& page_;
  std::set<std::uint32_t> open_;  // items that are being read: references may go in circles
  std::size_t items_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace

std::vector<json> microdata_nodes(const html_document& page) {
  std::vector<json> nodes;
  item_reader reader(page);
  for (std::uint32_t at = 0; at < page.size() && nodes.size() < most_items; ++at) {
    const html_node node = page.node(at);
    if (!node.is_element() || !node.attribute("itemscope") || node.attribute("itemprop")) continue;
    nodes.push_back(reader.read(node));
  }
  return nodes;
}

}  // namespace catwalk::scrape
