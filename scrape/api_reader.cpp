#include "scrape/api_reader.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/sha256.hpp"
#include "scrape/embedded_json.hpp"
#include "scrape/json_document.hpp"
#include "scrape/normaliser.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

/// What the answer is, in words. `reached` is what of it was looked at: not what there is.
std::string outline(std::string_view body, const json& reached) {
  const auto whole = parse_json_document(body, "");
  const json& document = whole.has_value() ? *whole : reached;
  if (document.is_array()) return "a list of " + std::to_string(document.size());
  if (!document.is_object()) return std::string("a ") + document.type_name();
  std::string keys;
  for (const auto& [key, value] : document.items()) {
    if (keys.size() > 120) {
      keys += ", …";
      break;
    }
    keys += (keys.empty() ? "" : ", ") + key;
  }
  return keys.empty() ? "an empty object" : "an object with " + keys;
}

std::string id_text(const json& fields) {
  for (const char* name : {"external_id", "product_id"}) {
    const auto it = fields.find(name);
    if (it == fields.end() || it->is_null()) continue;
    return it->is_string() ? it->get<std::string>() : it->dump();
  }
  return {};
}

}  // namespace

result<api_reader> api_reader::compile(const config::site& site, bool keep_raw_items) {
  if (!site.api) {
    return error{errc::invalid_config, "cannot read the site", site.name, "it has no `api` section", ""};
  }
  api_reader reader(site);
  for (const config::located_text& path : site.api->items_path) {
    auto compiled = compile_expression(path, "api.items_path");
    if (compiled.has_error()) return compiled.error();
    reader.items_paths_.push_back(std::move(*compiled));
  }
  auto fields = field_map::compile(site.api->field_map, "api.field_map");
  if (fields.has_error()) return fields.error();
  reader.fields_ = std::move(*fields);
  auto pages = paging::compile(*site.api);
  if (pages.has_error()) return pages.error();
  reader.paging_ = std::move(*pages);
  reader.keep_raw_items_ = keep_raw_items;
  reader.reach_ = std::make_shared<json_reach>();
  reader.paging_.reach(*reader.reach_);
  for (const located_expression& path : reader.items_paths_) {
    const json_places items = path.compiled.reach({reader.reach_.get()});
    if (keep_raw_items)
      take_whole(items);
    else
      reader.fields_.reach(items);
  }
  return reader;
}

result<page_answer> api_reader::read(std::string_view body, const page_place& place) const {
  const std::string& url = place.address.url;
  auto document = parse_json_document(body, url, max_json_depth, reach_.get());
  if (document.has_error() && trimmed(body.substr(0, 256)).starts_with('<')) {
    // A page: its scripts may hold what the shop has no endpoint for.
    if (json embedded = embedded_json(body, place.content_type, url); !embedded.empty()) {
      document = result<json>(boost::system::in_place_value, std::move(embedded));
    }
  }
  if (document.has_error()) return document.error();

  page_answer answer;
  answer.body_hash = sha256_hex(body);
  std::vector<std::string> failures;
  item_origin origin{place.endpoint, place.endpoint_index, url, 0};
  const auto read_item = [&](const json& item) {
    ++answer.items;
    const json fields = fields_.read(item, failures);
    if (std::string id = id_text(fields); !id.empty()) answer.item_ids.push_back(std::move(id));
    origin.position = answer.items;
    answer.add(normalise(fields, keep_raw_items_ ? item : json(), *site_, rules_, origin));
  };

  // The first path that yields items wins. A path that is there but empty means an empty category; none at
  // all means that the answer is not what the paths were written for.
  bool any_path_exists = false;
  std::string path_failure;
  for (const located_expression& path : items_paths_) {
    if (answer.items > 0) break;
    const auto taken = path.compiled.visit_items(*document, read_item);
    if (taken.has_error()) {
      path_failure = config::to_string(path.where) + ": " + taken.error().to_string();
      continue;
    }
    any_path_exists = any_path_exists || *taken > 0;
    if (*taken > 0) continue;
    const auto empty_list = path.compiled.visit(
        *document, [&](const json& found) { any_path_exists = any_path_exists || !found.is_null(); });
    if (empty_list.has_error())
      path_failure = config::to_string(path.where) + ": " + empty_list.error().to_string();
  }
  if (!any_path_exists) {
    error failure{errc::malformed, "cannot find the items", url,
                  "no items_path exists in the answer, which is " + outline(body, *document),
                  "compare api.items_path with what the shop sends now"};
    if (!path_failure.empty()) failure.why += "; " + path_failure;
    return failure;
  }
  auto next = paging_.next(*document, place, answer.items);
  if (next.has_error()) return next.error();
  answer.next = std::move(*next);
  std::set<std::string> each_once(std::make_move_iterator(failures.begin()),
                                  std::make_move_iterator(failures.end()));
  answer.warnings.assign(each_once.begin(), each_once.end());
  return answer;
}

}  // namespace catwalk::scrape
