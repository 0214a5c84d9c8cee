#include "embed/pass_size.hpp"

#include <set>

#include "tests/support/catch.hpp"

using namespace catwalk::embed;

TEST_CASE("whatever waits goes through a tower in passes of few sizes") {
  CHECK(pass_size(1, 16) == 1);
  CHECK(pass_size(16, 16) == 16);
  CHECK(pass_size(23, 16) == 16);
  CHECK(pass_size(7, 16) == 4);
  CHECK(pass_size(40, 20) == 16);
  for (std::int64_t waiting = 1; waiting <= 100; ++waiting) {
    std::int64_t left = waiting, passes = 0;
    for (; left > 0; ++passes) left -= pass_size(left, 16);
    CHECK(left == 0);
    CHECK(passes <= waiting / 16 + 4);
  }
}

TEST_CASE("texts are padded to few lengths, none beyond the context") {
  std::set<std::size_t> lengths;
  for (std::size_t tokens = 1; tokens <= 77; ++tokens) {
    const auto padded = padded_length(tokens, 77);
    CHECK(padded >= tokens);
    CHECK(padded <= 77);
    lengths.insert(padded);
  }
  CHECK(lengths == std::set<std::size_t>{16, 32, 48, 64, 77});
  CHECK(padded_length(8, 8) == 8);
}
