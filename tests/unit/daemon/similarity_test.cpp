#include "daemon/similarity.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk::daemon;

TEST_CASE("a cosine is of directions alone") {
  CHECK(cosine({1, 0}, {5, 0}) == Approx(1));
  CHECK(cosine({1, 0}, {0, 2}) == Approx(0));
  CHECK(cosine({1, 1}, {-2, -2}) == Approx(-1));
  CHECK(cosine({3, 4}, {4, 3}) == Approx(0.96));
  CHECK(cosine({0, 0}, {1, 0}) == 0);
  CHECK(cosine({1}, {1, 0}) == 0);
}

TEST_CASE("a summary takes values that were seen, by nearest rank") {
  const auto one = summarise({0.5});
  CHECK(one.least == 0.5);
  CHECK(one.percentile_5 == 0.5);
  CHECK(one.median == 0.5);
  std::vector<double> many;
  for (int i = 100; i >= 1; --i) many.push_back(i / 100.0);
  const auto all = summarise(many);
  CHECK(all.least == 0.01);
  CHECK(all.percentile_5 == 0.05);
  CHECK(all.median == 0.50);
  CHECK(summarise({3, 1, 2}).median == 2);
}
