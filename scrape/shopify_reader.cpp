#include "scrape/shopify_reader.hpp"

#include <set>
#include <utility>

#include "core/sha256.hpp"
#include "core/url.hpp"
#include "scrape/json_document.hpp"
#include "scrape/normaliser.hpp"
#include "scrape/shopify_item.hpp"

namespace catwalk::scrape {
namespace {

using nlohmann::json;

/// No shop makes its pages smaller than this, so a smaller one is the last.
constexpr std::size_t smallest_page = 30;

/// The products of the answer: `{"products": […]}`, or the list alone, as exports have it.
json* products_in(json& document) {
  if (document.is_array()) return &document;
  if (!document.is_object()) return nullptr;
  const auto list = document.find("products");
  return list != document.end() && list->is_array() ? &*list : nullptr;
}

}  // namespace

shopify_reader::shopify_reader(const config::site& site)
    : site_(&site), rules_(rules_for(site)), currency_(site.currency) {}

result<shopify_reader> shopify_reader::compile(const config::site& site) {
  shopify_reader reader(site);
  auto overrides = field_map::compile(site.shopify->field_map, "shopify.field_map");
  if (overrides.has_error()) return overrides.error();
  reader.overrides_ = std::move(*overrides);
  reader.reach_ = std::make_shared<json_reach>();
  // An answer is `{"products": […]}`, or the list alone.
  for (json_reach* item : {&reader.reach_->member("products"), reader.reach_.get()}) {
    shopify_reach(*item);
    reader.overrides_.reach({item});
  }
  return reader;
}

page_address shopify_reader::first_page(std::string_view collection) const {
  std::string address = site_->shopify->url.text;
  if (!collection.empty()) address += "/collections/" + percent_encode(collection);
  return {address + "/products.json?limit=" + std::to_string(page_size), ""};
}

result<page_answer> shopify_reader::read(std::string_view body, const page_place& place) const {
  const std::string& url = place.address.url;
  auto document = parse_json_document(body, url, max_json_depth, reach_.get());
  if (document.has_error()) return document.error();
  json* products = products_in(*document);
  if (!products) {
    return error{errc::malformed, "cannot find the products", url,
                 "the answer is JSON without a list `products`",
                 "is it a Shopify shop? Its /products.json can be switched off"};
  }

  page_answer answer;
  answer.body_hash = sha256_hex(body);
  std::vector<std::string> failures;
  item_origin origin{place.endpoint, place.endpoint_index, url, 0};
  for (json& item : *products) {
    ++answer.items;
    json fields = shopify_fields(item, site_->shopify->url.text);
    if (!currency_.empty()) fields["currency"] = currency_;
    overrides_.overlay(item, fields, failures);
    if (const json& id = fields["external_id"]; !id.is_null())
      answer.item_ids.push_back(id.is_string() ? id.get<std::string>() : id.dump());
    origin.position = place.items_before + answer.items;
    answer.add(normalise(fields, nullptr, *site_, rules_, origin));
  }
  if (answer.items >= smallest_page) {
    answer.next = place.address;
    answer.next->url = with_query(url, "page", std::to_string(place.number + 1));
  }
  std::set<std::string> each_once(failures.begin(), failures.end());
  answer.warnings.assign(each_once.begin(), each_once.end());
  return answer;
}

}  // namespace catwalk::scrape
