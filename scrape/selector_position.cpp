#include "scrape/selector_position.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace catwalk::scrape::css {
namespace {

int take_sign(scanner& scan) {
  if (scan.take('-')) return -1;
  scan.take('+');
  return 1;
}

std::optional<int> take_number(scanner& scan) {
  std::string digits;
  while (scan.peek() >= '0' && scan.peek() <= '9') {
    digits += scan.peek();
    scan.skip();
  }
  if (digits.empty()) return std::nullopt;
  int value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  // No page has so many elements.
  return read.ec == std::errc() ? std::min(value, 1'000'000'000) : 1'000'000'000;
}

}  // namespace

an_plus_b read_an_plus_b(scanner& scan) {
  scan.skip_blanks();
  const std::size_t start = scan.position();
  if (scan.take_word("even")) return {2, 0};
  if (scan.take_word("odd")) return {2, 1};
  const int sign = take_sign(scan);
  const std::optional<int> number = take_number(scan);
  if (scan.peek() != 'n' && scan.peek() != 'N') {
    if (!number) scanner::fail_at(start, "expected even, odd, a number or something like 2n+1");
    return {0, sign * *number};
  }
  scan.skip();
  const int step = sign * number.value_or(1);
  const std::size_t after = scan.position();
  scan.skip_blanks();
  if (scan.peek() != '+' && scan.peek() != '-') {
    scan.go_back(after);
    return {step, 0};
  }
  const int offset_sign = take_sign(scan);
  scan.skip_blanks();
  const std::optional<int> offset = take_number(scan);
  if (!offset) scan.fail("expected a number, found " + scan.found());
  return {step, offset_sign * *offset};
}

}  // namespace catwalk::scrape::css
