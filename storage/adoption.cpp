#include "storage/adoption.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "core/json_text.hpp"
#include "core/product_text.hpp"
#include "core/sha256.hpp"
#include "storage/image_rows.hpp"
#include "storage/product_events.hpp"
#include "storage/stored_address.hpp"

namespace catwalk::storage {
namespace {

using nlohmann::json;

std::string as_text(const product& p) {
  return json_text(to_json(p));
}

}  // namespace

struct adoption::stub {
  std::string id;
  std::string image_url;
  std::string row;
  bool has_vector = false;
};

adoption_counts adoption::adopt(const std::vector<adoptable_row>& rows, const layout& shape) {
  adoption_counts counts;
  for (const auto& row : rows) {
    if (known(row, shape)) {
      ++counts.known;
      continue;
    }
    add(row);
    ++counts.adopted;
    counts.vectors += row.vector ? 1 : 0;
  }
  if (counts.vectors > 0) bump_vectors_version(db_);
  return counts;
}

/// Products by the key that their row has, and by their address; read when a row is not found by its id.
const std::map<std::string, std::string>& adoption::others() {
  if (others_) return *others_;
  others_.emplace();
  auto s = db_.prepare(
      "select id, sink_key, fields ->> '$.source', fields ->> '$.product_url' from products p where not "
      "exists "
      "(select 1 from adopted a where a.id = p.id)");
  while (s.step()) {
    if (const auto key = s.optional_text(1)) others_->emplace("key " + *key, s.text(0));
    if (const auto address = s.text(3); !address.empty())
      others_->emplace("address " + s.text(2) + " " + address, s.text(0));
  }
  return *others_;
}

std::optional<std::string> adoption::product_behind(const adoptable_row& row) {
  const auto& p = row.item;
  {
    auto s = db_.prepare("select 1 from products where id = ?1");
    s.bind(p.id.str());
    if (s.step()) return p.id.str();
  }
  if (!row.by_address) return std::nullopt;
  for (const auto& name : {"key " + p.id.str(), "address " + p.source + " " + p.product_url})
    if (const auto found = others().find(name); found != others().end()) return found->second;
  return std::nullopt;
}

/// A row of a product that the catalogue has: what it holds already need not be sent.
bool adoption::known(const adoptable_row& row, const layout& shape) {
  const auto id = product_behind(row);
  if (!id) return false;
  auto s = db_.prepare("select fields, field_hash from products where id = ?1");
  s.bind(*id);
  if (!s.step()) return false;
  auto p = product_from_text(s.text(0));
  p.id = row.item.id;  // the row's key is no difference
  std::optional<std::string> held, older;
  if (shape.same_fields(row.columns, p)) held = s.text(1);
  if (*id != row.item.id.str()) older = row.item.id.str();
  s.reset();
  db_.run(
      "update products set sink_hash = coalesce(?2, sink_hash), sink_key = coalesce(?3, sink_key) where id = "
      "?1",
      *id, held, older);
  if (held) text_is_held(*id);
  return true;
}

void adoption::add(const adoptable_row& row) {
  const auto& p = row.item;
  std::string state = "none";
  std::string image_url;
  std::optional<std::string> vector_url, mark;
  if (row.has_vector && !p.image_url.empty()) {
    state = "ready";
    image_url = fetchable(p.image_url);
    if (row.vector) {
      if (!find_image(db_, image_url).has_vector)
        write_vector(db_, {image_url, "", "", "", *row.vector}, now_);
      vector_url = image_url;
    }
    mark = find_image(db_, image_url).mark(image_url);
  }
  db_.run(
      "insert into products (id, site, endpoint_index, fields, field_hash, image_url, first_seen, last_seen, "
      "last_run, row_run, vector_state, vector_url, sink_vector) values (?1, ?2, -1, ?3, 'adopted', ?4, ?5, "
      "?5, 0, "
      "0, ?6, ?7, ?8)",
      p.id.str(), p.site.str(), as_text(p), image_url, to_millis(now_), state, vector_url, mark);
  product_events(db_, now_).record(p.id, 0, "first");
  std::optional<std::string> address;
  if (row.by_address && !p.product_url.empty()) address = p.product_url;
  db_.run("insert or replace into adopted (id, source, product_url, row) values (?1, ?2, ?3, ?4)", p.id.str(),
          p.source, address, json_text(row.columns));
}

/// The adopted row of a product that is read: under its id, under the id of an older rule, or by its address.
std::optional<adoption::stub> adoption::standing_for(const product& p) {
  auto s = db_.prepare(
      "select a.id, p.image_url, a.row, p.vector_state = 'ready' from adopted a join products p on p.id = "
      "a.id "
      "where a.id = ?1 or a.id = ?2 or (a.source = ?3 and a.product_url = ?4) "
      "order by a.id = ?1 desc limit 1");
  s.bind(p.id.str(), sha256_hex(p.source + ':' + p.product_url), p.source, p.product_url);
  if (!s.step()) return std::nullopt;
  return stub{s.text(0), s.text(1), s.text(2), s.integer(3) != 0};
}

std::optional<std::vector<std::string>> adoption::differences(const product& p,
                                                              const layout::settings& wanted) {
  const auto found = standing_for(p);
  if (!found) return std::nullopt;
  const auto row = json::parse(found->row, nullptr, false);
  if (!row.is_object()) return std::nullopt;
  std::set<std::string> present;
  for (const auto& [name, value] : row.items()) present.insert(name);
  auto of_table = wanted;
  if (of_table.name == "auto") {
    auto columns = present;
    // The vector's column is not kept with the row.
    columns.insert({"embedding", "image_embedding"});
    of_table.name = detect_layout(columns).value_or(layout::settings().name);
  }
  // Neither the vectors nor the key are compared.
  of_table.columns.erase("image_embedding");
  of_table.columns.erase("info_embedding");
  of_table.on_conflict = "auto";
  const auto shape = layout::make(of_table, present);
  if (!shape) return std::nullopt;
  auto as_held = p;
  as_held.id = product_id(found->id);  // the row's key is no difference
  return shape->different_columns(row, as_held);
}

void adoption::take_over(const product& p, const layout* shape) {
  const auto found = standing_for(p);
  if (!found) return;
  db_.run("delete from adopted where id = ?1", found->id);
  const bool other_id = found->id != p.id.str();
  if (other_id) {
    auto s = db_.prepare("select 1 from products where id = ?1");
    s.bind(p.id.str());
    if (s.step()) {
      // The product is there under its own id: it takes the row's key, and the row's product goes.
      db_.run("update products set sink_key = ?2 where id = ?1", p.id.str(), found->id);
      db_.run("delete from outbox where key = ?1", found->id);
      db_.run("delete from products where id = ?1", found->id);
      return;
    }
    // The outbox knows products by their id: a removal that waits is given up, since the product is back.
    db_.run("delete from outbox where key = ?1", found->id);
    db_.run("update products set id = ?2, sink_key = ?1 where id = ?1", found->id, p.id.str());
  }
  if (found->has_vector &&
      (found->image_url == p.image_url || found->image_url == fetchable(p.raw_image_url))) {
    // The same picture under the address that catwalk gives it: its vector moves along.
    db_.run(
        "insert or ignore into images (url, vector, crc32c, fingerprint, model, precision, decode, device, "
        "untrained, embedded) select ?2, vector, crc32c, fingerprint, model, precision, decode, device, "
        "untrained, embedded from images where url = ?1 and vector is not null",
        found->image_url, p.image_url);
    const auto mark = find_image(db_, p.image_url).mark(p.image_url);
    db_.run(
        "update products set image_url = ?2, vector_url = iif(vector_url is null, null, ?2), sink_vector = "
        "?3 "
        "where id = ?1",
        p.id.str(), p.image_url, mark);
  }
  const auto row = json::parse(found->row, nullptr, false);
  auto as_held = p;
  as_held.id = product_id(found->id);  // the row's key is no difference
  if (shape == nullptr || !row.is_object() || !shape->same_fields(row, as_held)) return;
  db_.run("update products set fields = ?2, field_hash = ?3, sink_hash = ?3 where id = ?1", p.id.str(),
          as_text(p), p.field_hash());
  text_is_held(p.id.str());
}

/// The row holds what would be written, so also the vector of its text, where the table keeps those.
void adoption::text_is_held(const std::string& id) {
  db_.run("update products set text_due = 0, sink_text = coalesce(sink_text, 'adopted') where id = ?1", id);
}

void adoption::forget() {
  db_.run("delete from products where id in (select id from adopted)");
  db_.run("delete from adopted");
}

}  // namespace catwalk::storage
