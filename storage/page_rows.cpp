#include "storage/page_rows.hpp"

#include <nlohmann/json.hpp>

#include "core/json_text.hpp"

namespace catwalk::storage {

using nlohmann::json;

std::optional<page_record> find_page(sqlite::connection& db, const site_name& site,
                                     const std::string& endpoint, const std::string& url) {
  auto s = db.prepare(
      "select endpoint_index, etag, last_modified, body_hash, stanza_hash, listed, skipped, fetched from "
      "pages "
      "where site = ?1 and endpoint = ?2 and url = ?3");
  s.bind(site.str(), endpoint, url);
  if (!s.step()) return std::nullopt;
  page_record page;
  page.site = site;
  page.endpoint = endpoint;
  page.endpoint_index = static_cast<int>(s.integer(0));
  page.url = url;
  page.etag = s.text(1);
  page.last_modified = s.text(2);
  page.body_hash = s.text(3);
  page.stanza_hash = s.text(4);
  for (const json& id : json::parse(s.text(5))) page.listed.emplace_back(id.get<std::string>());
  for (const json& one : json::parse(s.text(6)))
    page.skipped.push_back({one.at("reason").get<std::string>(), one.at("item").get<std::string>(),
                            product_id(one.at("id").get<std::string>())});
  page.fetched = from_millis(s.integer(7));
  return page;
}

void put_page(sqlite::connection& db, const page_record& page, run_id run, wall_time now) {
  json listed = json::array();
  for (const product_id& id : page.listed) listed.push_back(id.str());
  json skipped = json::array();
  for (const skipped_item& one : page.skipped)
    skipped.push_back({{"reason", one.reason}, {"item", one.item}, {"id", one.id.str()}});
  db.run(
      "insert or replace into pages (site, endpoint, url, endpoint_index, etag, last_modified, body_hash, "
      "stanza_hash, listed, skipped, run, fetched) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
      "?12)",
      page.site.str(), page.endpoint, page.url, page.endpoint_index, page.etag, page.last_modified,
      page.body_hash, page.stanza_hash, listed.dump(), json_text(skipped), run, to_millis(now));
}

}  // namespace catwalk::storage
