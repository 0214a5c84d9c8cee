#include "daemon/product_json.hpp"

#include "daemon/time_text.hpp"

namespace catwalk::daemon {

namespace {

using nlohmann::json;

json or_null(const std::optional<std::string>& text) {
  return text ? json(*text) : json();
}

json values_json(const std::vector<storage::facet_value>& values) {
  auto list = json::array();
  for (const auto& one : values) list.push_back({{"value", one.value}, {"count", one.count}});
  return list;
}

json change_json(const storage::product_change& change) {
  const auto& o = change.offer;
  return {{"at", time_text(change.at)},
          {"change", change.kind},
          {"price", or_null(o.price)},
          {"sale", or_null(o.sale)},
          {"price_amount", or_null(o.price_amount)},
          {"sale_amount", or_null(o.sale_amount)},
          {"currency", or_null(o.currency)},
          {"availability", o.availability}};
}

json history_json(const std::vector<storage::product_change>& history) {
  auto list = json::array();
  for (const auto& one : history) list.push_back(change_json(one));
  return list;
}

std::optional<wall_time> price_changed(const std::vector<storage::product_change>& history) {
  std::optional<wall_time> at;
  for (const auto& one : history)
    if (one.kind == "price") at = one.at;
  return at;
}

json vector_json(const embedding& vector) {
  return {{"model", vector.model},
          {"fingerprint", vector.fingerprint},
          {"precision", vector.made.precision},
          {"device", vector.made.device},
          {"untrained", vector.made.untrained}};
}

}  // namespace

std::string thumbnail_path(const product_id& id) {
  return "/api/v1/products/" + id.str() + "/thumbnail";
}

json product_json(const storage::listed_product& one) {
  const auto& p = one.item;
  return {{"id", p.id.str()},
          {"site", p.site.str()},
          {"title", p.title},
          {"brand", or_null(p.brand)},
          {"price", or_null(p.price)},
          {"sale", or_null(p.sale)},
          {"price_amount", or_null(p.price_amount)},
          {"sale_amount", or_null(p.sale_amount)},
          {"currency", or_null(p.currency)},
          {"availability", p.availability},
          {"category", or_null(p.category)},
          {"gender", or_null(p.gender)},
          {"product_url", p.product_url},
          {"thumbnail", p.image_url.empty() ? json() : json(thumbnail_path(p.id))},
          {"vector_state", one.vector_state},
          {"first_seen", time_text(one.first_seen)},
          {"last_seen", time_text(one.last_seen)},
          {"price_changed_at", time_json(one.price_changed)},
          {"gone_at", time_json(one.gone_at)}};
}

json product_detail_json(const storage::catalogue_entry& entry) {
  const auto& p = entry.item;
  auto j = product_json({0, p, entry.vector_state, entry.first_seen, entry.last_seen, entry.gone_at,
                         price_changed(entry.history)});
  j.update({{"description", or_null(p.description)},
            {"merchant", or_null(p.merchant)},
            {"country", p.country},
            {"subcategory", or_null(p.subcategory)},
            {"color_names", p.color_names},
            {"size", or_null(p.size)},
            {"second_hand", p.second_hand},
            {"source", p.source},
            {"external_id", p.external_id},
            {"affiliate_url", or_null(p.affiliate_url)},
            {"image_url", p.image_url},
            {"additional_images", p.additional_images},
            {"metadata", p.metadata.is_object() ? p.metadata : json::object()},
            {"vector", entry.vector ? vector_json(*entry.vector) : json()},
            {"vector_error", entry.vector_error.empty() ? json() : json(entry.vector_error)},
            {"history", history_json(entry.history)}});
  return j;
}

json facets_json(const storage::product_facets& facets) {
  return {{"sites", values_json(facets.sites)},
          {"categories", values_json(facets.categories)},
          {"genders", values_json(facets.genders)},
          {"availability", values_json(facets.availability)},
          {"currencies", values_json(facets.currencies)}};
}

}  // namespace catwalk::daemon
