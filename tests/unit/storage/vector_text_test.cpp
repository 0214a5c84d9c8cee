#include "storage/vector_text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/nine_digits.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk::storage;

TEST_CASE("vectors survive their text form bit by bit") {
  const std::vector<float> values{0.1f, -1e-20f, 3, 1.0f / 3};
  CHECK(vector_from_text(vector_as_text(values)) == values);
  CHECK(vector_from_text("[1,2").empty());
  CHECK(vector_from_text("[1,x]").empty());
  CHECK(vector_from_text("").empty());
}

TEST_CASE("a vector reads back as the same floats") {
  const auto check = [](const std::vector<float>& values) {
    const auto text = vector_as_text(values);
    if (vector_from_text(text) != values) FAIL(text);
  };
  // Over every size, each binade met at many places, and closely where another way of writing begins.
  for (std::uint32_t bits = 0; bits < 0x7F80'0000; bits += 4'099) check({std::bit_cast<float>(bits)});
  for (float end = 2; end > 1e-7f; end /= 2)
    for (std::uint32_t bits = std::bit_cast<std::uint32_t>(end) - 20'000, n = 0; n < 40'000; ++bits, ++n)
      check({-std::bit_cast<float>(bits)});
  CHECK(vector_as_text({}) == "[]");
  CHECK(vector_as_text({-0.25f, 3, 0.05f, 0.99999994f, -2e-6f, 1e-20f}) ==
        "[-0.250000000,3,0.050000001,0.999999940,-0.0000020000000,1e-20]");
}

TEST_CASE("vectors of all widths are written, piece by piece") {
  for (const std::size_t width : {1, 7, 63, 64, 65, 512, 1000}) {
    std::vector<float> values;
    for (std::size_t i = 0; i < width; ++i) values.push_back(std::sin(static_cast<float>(i)) / 23);
    std::string text = "before ";
    append_vector(text, values);
    REQUIRE(text.starts_with("before ["));
    CHECK(vector_from_text(std::string_view(text).substr(7)) == values);
    CHECK(text.size() <= 9 + 13 * width);
  }
}

TEST_CASE("numbers of other sizes stand among those of a unit vector") {
  std::vector<float> values(200, -0.0000012345678f);  // the longest that there are
  values[1] = -1.17549435e-38f;
  values[70] = 3.4028235e38f;
  values[71] = 0;
  values[72] = 16777217.0f;
  values[199] = -1;
  CHECK(vector_from_text(vector_as_text(values)) == values);
  CHECK(vector_as_text({0.0f, -0.0f}) == "[0,-0]");
}

TEST_CASE("numbers are written as their nine digits, by every kernel") {
  std::vector<nine_digits_writer> kernels{write_nine_digits_plain};
  if (chosen_nine_digits() != write_nine_digits_plain) kernels.push_back(chosen_nine_digits());
  std::array<std::uint32_t, nine_digits::numbers> numbers{};
  const auto check = [&] {
    for (const auto write : kernels) {
      nine_digits digits;
      write(numbers.data(), digits);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto text = digits.first[i] + std::string(digits.others[i], 8);
        const auto plain = std::to_string(numbers[i]);
        if (text != std::string(9 - plain.size(), '0') + plain) FAIL(text << " for " << plain);
      }
    }
  };
  // Every group of four and of five digits, and what lies between.
  for (std::uint32_t low = 0; low < 1'000'000'000; low += 9'973 * nine_digits::numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = std::min<std::uint32_t>(low + static_cast<std::uint32_t>(i) * 9'973, 999'999'999);
    check();
  }
  for (std::uint32_t four = 0; four < 10'000; ++four) {
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = i % 2 == 0 ? four + static_cast<std::uint32_t>(i) * 10'000'000 : four * 100'000;
    check();
  }
}
