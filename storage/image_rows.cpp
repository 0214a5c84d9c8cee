#include "storage/image_rows.hpp"

#include "storage/vector_blob.hpp"

namespace catwalk::storage {

bool image_status::current(std::string_view wanted) const noexcept {
  return has_vector && (wanted.empty() || fingerprint == wanted || fingerprint == "adopted");
}

std::string image_status::mark(std::string_view url) const {
  return fingerprint + " " + std::to_string(crc32c) + " " + std::string(url);
}

image_status find_image(sqlite::connection& db, std::string_view url) {
  image_status found;
  if (url.empty()) return found;
  auto s = db.prepare(
      "select vector is not null, fingerprint, crc32c, attempts, next_try, coalesce(checked, embedded, 0) "
      "from images where url = ?1");
  s.bind(url);
  if (!s.step()) return found;
  found.has_vector = s.integer(0) != 0;
  found.fingerprint = s.text(1);
  found.crc32c = s.integer(2);
  found.attempts = static_cast<int>(s.integer(3));
  found.next_try = s.optional_integer(4);
  found.checked = s.integer(5);
  return found;
}

result<std::optional<embedding>> read_vector(sqlite::connection& db, std::string_view url) {
  auto s = db.prepare(
      "select vector, crc32c, fingerprint, model, precision, decode, device, untrained from images "
      "where url = ?1 and vector is not null");
  s.bind(url);
  if (!s.step()) return std::optional<embedding>();
  const auto blob = s.blob(0);
  auto values = from_blob(blob);
  if (!values || crc32c(blob) != static_cast<std::uint32_t>(s.integer(1)))
    return error{errc::state_damaged, "cannot read a vector", std::string(url), "its checksum does not match",
                 "have the image embedded again (catwalk backfill --stale)"};
  embedding e;
  e.values = std::move(*values);
  e.fingerprint = s.text(2);
  e.model = s.text(3);
  e.made = {s.text(4), s.text(5), s.text(6), s.integer(7) != 0};
  return std::optional<embedding>(std::move(e));
}

void write_vector(sqlite::connection& db, const vector_commit& image, wall_time now) {
  const auto blob = to_blob(image.vector.values);
  const auto sum = crc32c({reinterpret_cast<const char*>(blob.data()), blob.size()});
  const auto& made = image.vector.made;
  db.run(
      "insert into images (url, etag, last_modified, content_sha256, vector, crc32c, fingerprint, model, "
      "precision, decode, "
      "device, untrained, embedded) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) "
      "on conflict (url) do update set etag = excluded.etag, last_modified = excluded.last_modified, "
      "content_sha256 = excluded.content_sha256, vector = excluded.vector, crc32c = excluded.crc32c, "
      "fingerprint = excluded.fingerprint, model = excluded.model, precision = excluded.precision, "
      "decode = excluded.decode, device = excluded.device, untrained = excluded.untrained, embedded = "
      "excluded.embedded, "
      "attempts = 0, next_try = null, last_error = null, checked = null",
      image.image_url, image.etag, image.last_modified, image.content_sha256, blob,
      static_cast<std::int64_t>(sum), image.vector.fingerprint, image.vector.model, made.precision,
      made.decode, made.device, made.untrained, to_millis(now));
}

void write_confirmation(sqlite::connection& db, const image_confirmation& image, wall_time now) {
  db.run(
      "update images set checked = ?2, etag = iif(?3 = '', etag, ?3), last_modified = iif(?4 = '', "
      "last_modified, ?4), content_sha256 = iif(?5 = '', content_sha256, ?5), attempts = 0, next_try = null, "
      "last_error = null where url = ?1",
      image.image_url, to_millis(now), image.etag, image.last_modified, image.content_sha256);
}

void write_image_failure(sqlite::connection& db, const image_failure& failure) {
  std::optional<std::int64_t> next;
  if (failure.next_try) next = to_millis(*failure.next_try);
  db.run(
      "insert into images (url, attempts, next_try, last_error) values (?1, 1, ?2, ?3) on conflict (url) do "
      "update set "
      "attempts = attempts + 1, next_try = excluded.next_try, last_error = excluded.last_error",
      failure.image_url, next, failure.why.to_string());
}

std::int64_t vectors_version(sqlite::connection& db) {
  auto s = db.prepare("select value from facts where name = 'vectors_version'");
  return s.step() ? std::stoll(s.text(0)) : 0;
}

void bump_vectors_version(sqlite::connection& db) {
  db.run(
      "insert into facts (name, value) values ('vectors_version', '1') on conflict (name) do update set "
      "value = cast(cast(value as integer) + 1 as text)");
}

}  // namespace catwalk::storage
