#include "storage/quantised_matrix.hpp"

#include <cmath>
#include <random>

#include "storage/int8_dot.hpp"
#include "storage/vector_blob.hpp"
#include "storage/vector_index.hpp"
#include "tests/support/result_printer.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;

namespace {

/// Directions that crowd around a few centres, as pictures of garments do.
std::vector<std::vector<float>> crowded(std::size_t count, std::size_t width, unsigned seed) {
  std::minstd_rand random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> centres(5), all;
  for (auto& centre : centres)
    for (std::size_t i = 0; i < width; ++i) centre.push_back(normal(random));
  for (std::size_t n = 0; n < count; ++n) {
    auto v = centres[n % centres.size()];
    for (auto& x : v) x = (x + 0.3F * normal(random)) * 3;
    all.push_back(std::move(v));
  }
  return all;
}

}  // namespace

TEST_CASE("an estimate is never farther from the cosine than it says") {
  for (const std::size_t width : {3UL, 16UL, 500UL, 512UL, 768UL, 6000UL}) {
    auto vectors = crowded(300, width, 1);
    vectors.push_back(std::vector<float>(width));
    vectors.back()[0] = 1e-30F;  // one direction alone, and short
    vectors.push_back(std::vector<float>(width, -7));
    quantised_matrix matrix(width);
    for (const auto& v : vectors) REQUIRE(matrix.add(v));
    CHECK_FALSE(matrix.add(std::vector<float>(width)));
    CHECK_FALSE(matrix.add(std::vector<float>(width, NAN)));
    REQUIRE(matrix.rows() == vectors.size());
    double widest = 0;
    for (std::size_t asked = 0; asked < vectors.size(); asked += 7) {
      const auto query = matrix.prepare(vectors[asked]);
      REQUIRE(query);
      for (std::size_t row = 0; row < vectors.size(); ++row) {
        const auto seen = matrix.look(row, *query);
        const auto cosine = *cosine_of(vectors[asked], vectors[row]);
        REQUIRE(std::abs(seen.cosine - cosine) <= seen.error);
        widest = std::max(widest, seen.error);
      }
    }
    CHECK(widest < 0.05);
  }
}

TEST_CASE("the processor's kernel gives the sums of the plain one") {
  std::minstd_rand random(2);
  for (const std::size_t n : {16UL, 32UL, 512UL, 4096UL}) {
    std::vector<std::int8_t> row(n);
    std::vector<std::int16_t> query(n);
    for (std::size_t i = 0; i < n; ++i) {
      row[i] = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
      query[i] = static_cast<std::int16_t>(static_cast<int>(random() % 65535) - 32767);
    }
    CHECK(chosen_int8_dot()(row.data(), query.data(), n) == int8_dot_plain(row.data(), query.data(), n));
    std::fill(row.begin(), row.end(), std::int8_t(127));
    std::fill(query.begin(), query.end(), std::int16_t(32767));
    CHECK(chosen_int8_dot()(row.data(), query.data(), n) == 127LL * 32767 * static_cast<std::int64_t>(n));
  }
}

TEST_CASE("a checksum is RFC 3720's, whatever its length") {
  CHECK(crc32c("123456789") == 0xE3069283);
  CHECK(crc32c("") == 0);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62A8AB43);
}

TEST_CASE_METHOD(state_fixture, "the nearest are those of a search that compares everything") {
  const auto vectors = crowded(2000, 64, 3);
  const auto run = begin();
  std::vector<product> items;
  items.reserve(vectors.size());
  for (std::size_t i = 0; i < vectors.size(); ++i) items.push_back(make(std::to_string(i)));
  commit(run, items);
  std::vector<vector_commit> batch;
  batch.reserve(vectors.size());
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    // Each tenth product shows the picture's numbers of the one before it: equal scores go by their number.
    const auto& values = vectors[i % 10 == 9 ? i - 1 : i];
    batch.push_back({items[i].image_url, "content", "", "", vector(values)});
  }
  value_of(wait_for(products.commit_vectors(std::move(batch), false)));
  for (const std::size_t asked : {0UL, 7UL, 1234UL}) {
    std::vector<std::pair<double, std::size_t>> all;
    for (std::size_t i = 0; i < vectors.size(); ++i)
      all.emplace_back(-*cosine_of(vectors[asked], vectors[i % 10 == 9 ? i - 1 : i]), i);
    std::sort(all.begin(), all.end());
    for (const int k : {1, 50, 2000}) {
      const auto found = value_of(wait_for(products.nearest(vectors[asked], k, "tower", std::nullopt)));
      REQUIRE(found.size() == static_cast<std::size_t>(k));
      for (std::size_t i = 0; i < found.size(); ++i) {
        REQUIRE(found[i].item.external_id == std::to_string(all[i].second));
        REQUIRE(found[i].score == static_cast<float>(-all[i].first));
      }
    }
  }
}

TEST_CASE_METHOD(state_fixture, "more vectors than the memory holds are refused with the way out") {
  const auto run = begin();
  std::vector<product> items;
  items.reserve(3000);
  for (int i = 0; i < 3000; ++i) items.push_back(make(std::to_string(i)));
  commit(run, items);
  std::vector<vector_commit> batch;
  batch.reserve(items.size());
  for (const auto& item : items)
    batch.push_back({item.image_url, "content", "", "", vector(std::vector<float>(512, 1))});
  value_of(wait_for(products.commit_vectors(std::move(batch), false)));
  catalogue small(db, 1'000'000);
  for (int i = 0; i < 2; ++i) {
    const auto refused = wait_for(small.nearest(std::vector<float>(512, 1), 5, "tower", std::nullopt));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_config);
    CHECK(refused.error().to_string().find("raise search.memory") != std::string::npos);
  }
  execute("update products set gone_at = 1 where number > 500");
  execute("update facts set value = cast(cast(value as integer) + 1 as text) where name = 'vectors_version'");
  const auto found = wait_for(small.nearest(std::vector<float>(512, 1), 5, "tower", std::nullopt));
  CHECK(value_of(found).size() == 5);
}
