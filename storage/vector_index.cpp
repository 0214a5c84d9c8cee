#include "storage/vector_index.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "storage/image_rows.hpp"
#include "storage/vector_blob.hpp"

namespace catwalk::storage {
namespace {

/// Eight sums side by side, so that the compiler can use its vector registers without reordering float
/// additions.
float dot(const float* a, const float* b, std::size_t n) {
  float sums[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (std::size_t j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
  float sum = 0;
  for (const float s : sums) sum += s;
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

bool normalise(float* v, std::size_t n) {
  const float length = std::sqrt(dot(v, v, n));
  if (!(length > 0) || !std::isfinite(length)) return false;
  for (std::size_t i = 0; i < n; ++i) v[i] /= length;
  return true;
}

}  // namespace

result<std::vector<neighbour>> vector_index::search(sqlite::connection& db, const std::vector<float>& query,
                                                    int k, const std::string& fingerprint,
                                                    const std::optional<site_name>& site,
                                                    const std::vector<std::int64_t>* among) {
  const auto m = current(db, fingerprint);
  std::vector<neighbour> found;
  if (m->products.empty() || k <= 0) return found;
  if (query.size() != m->width)
    return error{errc::invalid_argument, "cannot search", "",
                 "the query has " + std::to_string(query.size()) + " numbers, the catalogue's vectors have " +
                     std::to_string(m->width),
                 "embed the query with the catalogue's model"};
  std::vector<float> q = query;
  if (!normalise(q.data(), q.size()))
    return error{errc::invalid_argument, "cannot search", "", "the query's vector has no direction", ""};

  int wanted_site = -1;
  if (site) {
    const auto named = std::find(m->site_names.begin(), m->site_names.end(), site->str());
    if (named == m->site_names.end()) return found;
    wanted_site = static_cast<int>(named - m->site_names.begin());
  }
  // A heap of the best so far, the worst of them on top; equal scores go by the order of the rows.
  using scored = std::pair<float, std::int64_t>;
  const auto better = [](const scored& a, const scored& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  std::vector<scored> best;
  for (std::size_t row = 0; row < m->products.size(); ++row) {
    if (wanted_site >= 0 && m->sites[row] != wanted_site) continue;
    if (among && !std::binary_search(among->begin(), among->end(), m->products[row])) continue;
    const scored candidate{dot(q.data(), m->values.data() + row * m->width, m->width), m->products[row]};
    if (best.size() == static_cast<std::size_t>(k)) {
      if (!better(candidate, best.front())) continue;
      std::pop_heap(best.begin(), best.end(), better);
      best.pop_back();
    }
    best.push_back(candidate);
    std::push_heap(best.begin(), best.end(), better);
  }
  std::sort(best.begin(), best.end(), better);

  auto s = db.prepare("select p.fields, p.first_seen, p.last_seen, " + std::string(price_changed_column) +
                      " from products p where p.number = ?1");
  for (const auto& [score, number] : best) {
    s.bind(number);
    if (s.step()) {
      neighbour one{score, product_from_json(nlohmann::json::parse(s.text(0))), from_millis(s.integer(1)),
                    from_millis(s.integer(2)), std::nullopt};
      if (const auto changed = s.optional_integer(3)) one.price_changed = from_millis(*changed);
      found.push_back(std::move(one));
    }
    s.reset();
  }
  return found;
}

std::shared_ptr<const vector_index::matrix> vector_index::current(sqlite::connection& db,
                                                                  const std::string& fingerprint) {
  const auto version = vectors_version(db);
  std::lock_guard guard(mutex_);
  if (!matrix_ || matrix_->version != version || matrix_->fingerprint != fingerprint)
    matrix_ = load(db, fingerprint, version);
  return matrix_;
}

std::shared_ptr<const vector_index::matrix> vector_index::load(sqlite::connection& db,
                                                               const std::string& fingerprint,
                                                               std::int64_t version) {
  auto m = std::make_shared<matrix>();
  m->version = version;
  m->fingerprint = fingerprint;
  std::map<std::string, int> sites;
  auto s = db.prepare(
      "select p.number, p.site, p.id, i.vector, i.crc32c from products p join images i on i.url = "
      "p.vector_url "
      "where i.fingerprint = ?1 and i.vector is not null and p.gone_at is null order by p.number");
  s.bind(fingerprint);
  while (s.step()) {
    const auto blob = s.blob(3);
    auto values = from_blob(blob);
    const bool sound = values && crc32c(blob) == static_cast<std::uint32_t>(s.integer(4));
    if (m->width == 0 && sound) m->width = values->size();
    if (!sound || values->size() != m->width || !normalise(values->data(), values->size())) {
      spdlog::error("the vector of product {} is damaged and left out of the search", s.text(2));
      continue;
    }
    m->values.insert(m->values.end(), values->begin(), values->end());
    m->products.push_back(s.integer(0));
    const auto [named, added] = sites.try_emplace(s.text(1), static_cast<int>(m->site_names.size()));
    if (added) m->site_names.push_back(named->first);
    m->sites.push_back(named->second);
  }
  return m;
}

}  // namespace catwalk::storage
