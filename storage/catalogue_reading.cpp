#include "storage/catalogue_reading.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "core/product_text.hpp"
#include "storage/adoption.hpp"
#include "storage/country_prices.hpp"
#include "storage/image_rows.hpp"

namespace catwalk::storage {

result<catalogue_entry> read_entry(sqlite::connection& db, const sqlite::statement& row) {
  catalogue_entry entry;
  entry.item = product_from_text(row.text(0));
  entry.item.endpoint_index = static_cast<int>(row.integer(1));
  entry.vector_state = row.text(2);
  entry.vector_error = row.text(4);
  entry.first_seen = from_millis(row.integer(5));
  entry.last_seen = from_millis(row.integer(6));
  if (const auto gone = row.optional_integer(7)) entry.gone_at = from_millis(*gone);
  if (const auto url = row.optional_text(3)) {
    auto vector = read_vector(db, *url);
    if (!vector) return vector.error();
    entry.vector = std::move(*vector);
  }
  return entry;
}

comparison compare_with_stored(sqlite::connection& db, const product& read, const layout::settings& wanted) {
  comparison c;
  c.id = read.id;
  const auto joined = country_prices(db).preview(read);
  const product& p = joined ? *joined : read;
  if (auto columns = adoption(db, wall_time{}).differences(p, wanted)) {
    c.what = columns->empty() ? comparison::kind::unchanged : comparison::kind::changed;
    c.changed_fields = std::move(*columns);
    return c;
  }
  auto s = db.prepare("select field_hash, fields from products where id = ?1 and gone_at is null");
  s.bind(p.id.str());
  if (!s.step()) return c;
  if (s.text(0) == p.field_hash()) {
    c.what = comparison::kind::unchanged;
    return c;
  }
  c.what = comparison::kind::changed;
  const auto before = nlohmann::json::parse(s.text(1));
  const auto after = to_json(p);
  std::set<std::string> names;
  for (const auto* side : {&before, &after})
    for (const auto& member : side->items()) names.insert(member.key());
  // These two are no part of the field hash.
  names.erase("raw_item");
  names.erase("endpoint_index");
  for (const auto& name : names)
    if (before.value(name, nlohmann::json()) != after.value(name, nlohmann::json()))
      c.changed_fields.push_back(name);
  return c;
}

}  // namespace catwalk::storage
