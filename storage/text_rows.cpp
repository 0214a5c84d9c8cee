#include "storage/text_rows.hpp"

#include <utility>

#include "storage/vector_blob.hpp"

namespace catwalk::storage {

result<std::optional<embedding>> read_text_vector(sqlite::connection& db, std::string_view hash) {
  auto s = db.prepare(
      "select vector, crc32c, fingerprint, model, precision, device, untrained from texts where hash = ?1");
  s.bind(hash);
  if (!s.step()) return std::optional<embedding>();
  const auto blob = s.blob(0);
  auto values = from_blob(blob);
  if (!values || crc32c(blob) != static_cast<std::uint32_t>(s.integer(1)))
    return error{errc::state_damaged, "cannot read the vector of a text", std::string(hash),
                 "its checksum does not match", "it is made again when the product's text changes"};
  embedding e;
  e.values = std::move(*values);
  e.fingerprint = s.text(2);
  e.model = s.text(3);
  e.made = {s.text(4), "exact", s.text(5), s.integer(6) != 0};
  return std::optional<embedding>(std::move(e));
}

void write_text_vector(sqlite::connection& db, std::string_view hash, const embedding& vector,
                       wall_time now) {
  const auto blob = to_blob(vector.values);
  const auto sum = crc32c({reinterpret_cast<const char*>(blob.data()), blob.size()});
  db.run(
      "insert or replace into texts (hash, vector, crc32c, fingerprint, model, precision, device, untrained, "
      "embedded) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
      hash, blob, static_cast<std::int64_t>(sum), vector.fingerprint, vector.model, vector.made.precision,
      vector.made.device, vector.made.untrained, to_millis(now));
}

std::optional<std::string> text_mark(sqlite::connection& db, std::string_view hash,
                                     std::string_view fingerprint) {
  auto s = db.prepare("select crc32c from texts where hash = ?1 and fingerprint = ?2");
  s.bind(hash, fingerprint);
  if (!s.step()) return std::nullopt;
  return std::string(fingerprint) + " " + std::to_string(s.integer(0)) + " " + std::string(hash);
}

}  // namespace catwalk::storage
