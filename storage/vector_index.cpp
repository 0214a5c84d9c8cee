#include "storage/vector_index.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <queue>
#include <utility>

#include "core/product_text.hpp"
#include "storage/image_rows.hpp"
#include "storage/product_events.hpp"
#include "storage/vector_blob.hpp"

namespace catwalk::storage {
namespace {

/// A matrix that is read faster is read again whenever the vectors have changed.
constexpr std::chrono::milliseconds long_reading(100);
/// Reserved at once where a vector of the matrix's columns grows.
constexpr std::size_t columns_at_once = 8'192;

template <class T>
void push_in_steps(std::vector<T>& to, T value) {
  if (to.size() == to.capacity()) to.reserve(to.size() + columns_at_once);
  to.push_back(value);
}

/// The number or one above it: never below.
float rounded_up(double value) {
  return std::nextafter(static_cast<float>(value), std::numeric_limits<float>::infinity());
}

std::vector<neighbour> read_products(sqlite::connection& db,
                                     const std::vector<std::pair<double, std::int64_t>>& best) {
  std::vector<neighbour> found;
  found.reserve(best.size());
  auto s = db.prepare("select p.fields, p.first_seen, p.last_seen, " + std::string(price_changed_column) +
                      " from products p where p.number = ?1");
  for (const auto& [score, number] : best) {
    s.bind(number);
    if (s.step()) {
      neighbour one{static_cast<float>(score), product_from_text(s.text(0)), from_millis(s.integer(1)),
                    from_millis(s.integer(2)), std::nullopt};
      if (const auto changed = s.optional_integer(3)) one.price_changed = from_millis(*changed);
      found.push_back(std::move(one));
    }
    s.reset();
  }
  return found;
}

}  // namespace

result<std::vector<neighbour>> vector_index::search(sqlite::connection& db, const std::vector<float>& query,
                                                    int k, const std::string& fingerprint,
                                                    const std::optional<site_name>& site,
                                                    const std::vector<std::int64_t>* among) {
  const auto version = vectors_version(db);
  std::shared_lock reading(mutex_);
  while (!is_current(version, fingerprint)) {
    reading.unlock();
    {
      const std::unique_lock loading(mutex_);
      if (!is_current(version, fingerprint)) load_anew(db, fingerprint, version);
    }
    reading.lock();
  }
  if (matrix_.refused) return *matrix_.refused;
  if (matrix_.products.empty() || k <= 0) return std::vector<neighbour>();
  const auto& values = *matrix_.values;
  if (query.size() != values.width())
    return error{errc::invalid_argument, "cannot search", "",
                 "the query has " + std::to_string(query.size()) + " numbers, the catalogue's vectors have " +
                     std::to_string(values.width()),
                 "embed the query with the catalogue's model"};
  const auto prepared = values.prepare(query);
  if (!prepared)
    return error{errc::invalid_argument, "cannot search", "", "the query's vector has no direction", ""};
  int wanted_site = -1;
  if (site) {
    const auto named = std::find(matrix_.site_names.begin(), matrix_.site_names.end(), site->str());
    if (named == matrix_.site_names.end()) return std::vector<neighbour>();
    wanted_site = static_cast<int>(named - matrix_.site_names.begin());
  }
  const auto wanted = static_cast<std::size_t>(k);
  const auto candidates = look(*prepared, wanted, wanted_site, among);
  std::vector<std::pair<double, std::int64_t>> best;
  for (const auto& one : score(db, query, wanted, candidates)) best.emplace_back(one.score, one.product);
  reading.unlock();
  return read_products(db, best);
}

std::vector<vector_index::candidate> vector_index::look(const quantised_matrix::query& query, std::size_t k,
                                                        int site,
                                                        const std::vector<std::int64_t>* among) const {
  // The k highest lower ends so far; what cannot reach the least of them is out.
  std::priority_queue<double, std::vector<double>, std::greater<>> lower_ends;
  const auto out = [&](double highest) { return lower_ends.size() == k && highest < lower_ends.top(); };
  std::vector<candidate> candidates;
  std::size_t next_among = 0;
  for (std::size_t row = 0; row < matrix_.products.size(); ++row) {
    if (site >= 0 && matrix_.sites[row] != site) continue;
    if (among != nullptr) {
      const auto number = matrix_.products[row];
      while (next_among < among->size() && (*among)[next_among] < number) ++next_among;
      if (next_among == among->size()) break;
      if ((*among)[next_among] != number) continue;
    }
    const auto seen = matrix_.values->look(row, query);
    if (out(seen.cosine + seen.error)) continue;
    candidates.push_back({rounded_up(seen.cosine + seen.error), static_cast<std::uint32_t>(row)});
    lower_ends.push(seen.cosine - seen.error);
    if (lower_ends.size() > k) lower_ends.pop();
  }
  std::erase_if(candidates, [&](const candidate& c) { return out(static_cast<double>(c.highest)); });
  std::sort(candidates.begin(), candidates.end(), [](const candidate& a, const candidate& b) {
    return a.highest != b.highest ? a.highest > b.highest : a.row < b.row;
  });
  return candidates;
}

std::vector<vector_index::scored> vector_index::score(sqlite::connection& db, const std::vector<float>& query,
                                                      std::size_t k,
                                                      const std::vector<candidate>& candidates) const {
  const auto better = [](const scored& a, const scored& b) {
    return a.score != b.score ? a.score > b.score : a.product < b.product;
  };
  std::vector<scored> best;  // a heap, the worst on top
  std::size_t looked_at = 0;
  auto s = db.prepare(
      "select i.vector, i.crc32c from products p join images i on i.url = p.vector_url where p.number = ?1 "
      "and "
      "p.gone_at is null and i.fingerprint = ?2");
  for (const auto& c : candidates) {
    if (best.size() == k && static_cast<double>(c.highest) < best.front().score) break;
    ++looked_at;
    const auto number = matrix_.products[c.row];
    s.bind(number, matrix_.fingerprint);
    std::optional<double> cosine;
    if (s.step()) {
      const auto blob = s.blob(0);
      const auto vector = from_blob(blob);
      if (vector && crc32c(blob) == static_cast<std::uint32_t>(s.integer(1)))
        cosine = cosine_of(query, *vector);
    }
    s.reset();
    if (!cosine) continue;
    const scored one{*cosine, number};
    if (best.size() == k) {
      if (!better(one, best.front())) continue;
      std::pop_heap(best.begin(), best.end(), better);
      best.pop_back();
    }
    best.push_back(one);
    std::push_heap(best.begin(), best.end(), better);
  }
  std::sort(best.begin(), best.end(), better);
  spdlog::debug("search: {} of {} vectors compared in full", looked_at, matrix_.products.size());
  return best;
}

bool vector_index::is_current(std::int64_t version, const std::string& fingerprint) const {
  return matrix_.fingerprint == fingerprint && (matrix_.version == version || now_() < matrix_.serves_until);
}

void vector_index::load_anew(sqlite::connection& db, const std::string& fingerprint, std::int64_t version) {
  const auto began = now_();
  load(db, fingerprint, version);
  const auto took = now_() - began;
  // One that would not fit is read again as soon as there may be fewer vectors.
  if (!matrix_.refused && took >= long_reading) matrix_.serves_until = began + took + 10 * took;
}

bool vector_index::has_room_for_one_more() const {
  const auto rows = matrix_.products.size() + 1;
  const auto steps = (rows + columns_at_once - 1) / columns_at_once;
  return matrix_.values->bytes_of(rows) + steps * columns_at_once * (sizeof(std::int64_t) + sizeof(int)) <=
         most_bytes_;
}

void vector_index::load(sqlite::connection& db, const std::string& fingerprint, std::int64_t version) {
  matrix_ = matrix();  // before the new one grows
  matrix_.version = version;
  matrix_.fingerprint = fingerprint;
  std::map<std::string, int> sites;
  auto s = db.prepare(
      "select p.number, p.site, p.id, i.vector, i.crc32c from products p join images i on i.url = "
      "p.vector_url "
      "where i.fingerprint = ?1 and i.vector is not null and p.gone_at is null order by p.number");
  s.bind(fingerprint);
  while (s.step()) {
    const auto blob = s.blob(3);
    const auto values = from_blob(blob);
    const bool sound = values && crc32c(blob) == static_cast<std::uint32_t>(s.integer(4));
    if (sound && !matrix_.values) matrix_.values.emplace(values->size());
    if (sound && !has_room_for_one_more()) {
      const auto width = std::to_string(values->size());
      const auto rows = matrix_.products.size();
      matrix_ = matrix();
      matrix_.version = version;
      matrix_.fingerprint = fingerprint;
      matrix_.refused =
          error{errc::invalid_config, "cannot search", "",
                "there are more than the " + std::to_string(rows) + " vectors of " + width +
                    " numbers that search.memory (" + std::to_string(most_bytes_ / 1'000'000) + " MB) holds",
                "raise search.memory: each takes " + width + " bytes and 20 more"};
      return;
    }
    if (!sound || !matrix_.values->add(*values)) {
      spdlog::error("the vector of product {} is damaged and left out of the search", s.text(2));
      continue;
    }
    push_in_steps(matrix_.products, s.integer(0));
    const auto [named, added] = sites.try_emplace(s.text(1), static_cast<int>(matrix_.site_names.size()));
    if (added) matrix_.site_names.push_back(named->first);
    push_in_steps(matrix_.sites, named->second);
  }
}

}  // namespace catwalk::storage
