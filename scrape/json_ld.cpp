#include <unordered_map>

#include "scrape/lenient_json.hpp"
#include "scrape/structured_node.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

constexpr int deepest_reference = 8;
constexpr std::size_t most_nodes = 20'000;
constexpr std::size_t most_bytes =
    32'000'000;  ///< once references are filled in: they multiply what they name

bool is_json_ld(const html_node& node) {
  if (!node.is_element() || node.name() != "script") return false;
  const std::string type = lower_ascii(trimmed(node.attribute("type").value_or("")));
  return type.starts_with("application/ld+json") || type == "application/json+ld";
}

/// Opens arrays and `@graph`s.
void open(json value, std::vector<json>& nodes) {
  if (nodes.size() > most_nodes) return;
  if (value.is_array()) {
    for (json& one : value) open(std::move(one), nodes);
  } else if (value.is_object()) {
    const auto graph = value.find("@graph");
    if (graph == value.end()) {
      nodes.push_back(std::move(value));
      return;
    }
    json members = std::move(*graph);
    value.erase("@graph");
    const bool describes_itself = value.contains("@type");
    if (describes_itself) nodes.push_back(std::move(value));
    open(std::move(members), nodes);
  }
}

/// Fills in nodes that are named by their `@id` alone.
class reference_resolver {
 public:
  explicit reference_resolver(const std::vector<json>& nodes) : nodes_(nodes) {
    for (const json& node : nodes_) learn(node, 0);
  }

  json resolved(const json& value, int depth = 0) {
    made_ += value.is_string() ? value.get_ref<const std::string&>().size() : sizeof(json);
    if (value.is_array()) {
      json list = json::array();
      for (const json& one : value) list.push_back(resolved(one, depth));
      return list;
    }
    if (!value.is_object()) return value;
    const json* node = &value;
    const bool may_follow = depth < deepest_reference && made_ < most_bytes;
    if (value.size() == 1 && value.contains("@id") && may_follow) {
      if (const auto known = by_id_.find(id_of(value)); known != by_id_.end()) {
        node = known->second;
        ++depth;
      }
    }
    json out = json::object();
    for (const auto& [key, member] : node->items()) out[key] = resolved(member, depth);
    return out;
  }

 private:
  static std::string id_of(const json& node) {
    const auto id = node.find("@id");
    return id != node.end() && id->is_string() ? id->get<std::string>() : std::string();
  }

  void learn(const json& value, int depth) {
    if (depth > deepest_reference) return;
    if (value.is_array()) {
      for (const json& one : value) learn(one, depth + 1);
    } else if (value.is_object()) {
      if (const std::string id = id_of(value); !id.empty() && value.size() > 1)
        by_id_.try_emplace(id, &value);
      for (const auto& [key, member] : value.items()) learn(member, depth + 1);
    }
  }

  const std::vector<json>& nodes_;
  std::unordered_map<std::string, const json*> by_id_;
  std::size_t made_ = 0;
};

}  // namespace

std::vector<json> json_ld_nodes(const html_document& page, std::vector<std::string>& warnings) {
  std::vector<json> nodes;
  int number = 0;
  for (std::uint32_t at = 0; at < page.size(); ++at) {
    const html_node node = page.node(at);
    if (!is_json_ld(node)) continue;
    ++number;
    const std::string text = node.text();
    if (trimmed(text).empty()) continue;
    auto value = parse_lenient_json(text, "JSON-LD script " + std::to_string(number));
    if (value.has_error()) {
      warnings.push_back(value.error().to_string());
    } else {
      open(std::move(*value), nodes);
    }
  }
  reference_resolver resolver(nodes);
  std::vector<json> whole;
  whole.reserve(nodes.size());
  for (const json& node : nodes) whole.push_back(resolver.resolved(node));
  return whole;
}

}  // namespace catwalk::scrape
