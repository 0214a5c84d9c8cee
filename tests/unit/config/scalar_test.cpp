#include <random>

#include "config/byte_size.hpp"
#include "config/duration.hpp"
#include "config/nearest_key.hpp"
#include "config/text_encoding.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk::config;

TEST_CASE("durations") {
  struct row {
    const char* text;
    long long ms;
  };
  for (const auto& [text, ms] : {row{"90s", 90'000}, row{"1h30m", 5'400'000}, row{"20ms", 20},
                                 row{"30d", 2'592'000'000}, row{"0s", 0}, row{"0", 0}, row{"1m20ms", 60'020},
                                 row{"1d2h3m4s5ms", 93'784'005}, row{"36500d", 3'153'600'000'000}}) {
    INFO(text);
    const auto value = parse_duration(text);
    REQUIRE(value);
    CHECK(value->count() == ms);
  }
  for (const char* text :
       {"", "5", "s", "-1s", "1.5h", "1 h", "1h 30m", "30m1h", "1h1h", "90 s", "1w", "90S", "+1s", "36501d",
        "9999999999999999999d", "9223372036854775807ms", "1h30", "ms", "1hm"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("a formatted duration reads as itself") {
  for (const long long ms : {0LL, 1LL, 20LL, 1'000LL, 1'500LL, 30'000LL, 60'000LL, 120'000LL, 600'000LL,
                             21'600'000LL, 86'400'000LL, 2'592'000'000LL, 7'776'000'001LL}) {
    const std::chrono::milliseconds value(ms);
    INFO(format_duration(value));
    CHECK(parse_duration(format_duration(value)) == value);
  }
  CHECK(format_duration(std::chrono::seconds(60)) == "60s");
  CHECK(format_duration(std::chrono::minutes(10)) == "10m");
  CHECK(format_duration(std::chrono::hours(24 * 30)) == "30d");
  CHECK(format_duration(std::chrono::milliseconds(1500)) == "1500ms");
}

TEST_CASE("sizes") {
  struct row {
    const char* text;
    unsigned long long bytes;
  };
  for (const auto& [text, bytes] :
       {row{"20MB", 20'000'000}, row{"20MiB", 20'971'520}, row{"0", 0}, row{"512", 512}, row{"512B", 512},
        row{"1kB", 1'000}, row{"1KB", 1'000}, row{"1KiB", 1'024}, row{"5GB", 5'000'000'000},
        row{"1TiB", 1'099'511'627'776}, row{"20 MB", 20'000'000},
        row{"18446744073709551615", 18'446'744'073'709'551'615ULL}}) {
    INFO(text);
    CHECK(parse_byte_size(text) == bytes);
  }
  for (const char* text : {"", "MB", "-1MB", "1.5GB", "1mb", "1 M B", "20M", "18446744073709551616",
                           "99999999999TB", "1  MB", "0x10", "+5"}) {
    INFO(text);
    CHECK_FALSE(parse_byte_size(text));
  }
  for (const unsigned long long value : {0ULL, 1ULL, 1'000ULL, 256'000'000ULL, 5'000'000'000ULL, 1'024ULL}) {
    CHECK(parse_byte_size(format_byte_size(value)) == value);
  }
  CHECK(format_byte_size(256'000'000) == "256MB");
  CHECK(format_byte_size(0) == "0B");
}

TEST_CASE("the nearest known key") {
  const std::vector<std::string> known{"concurrency", "per_host", "delay", "timeout", "max_bytes", "api"};
  CHECK(nearest_key("concurency", known) == "concurrency");
  CHECK(nearest_key("dealy", known) == "delay");
  CHECK(nearest_key("per-host", known) == "per_host");
  CHECK(nearest_key("Timeout", known) == "timeout");
  CHECK(nearest_key("apis", known) == "api");
  CHECK(nearest_key("quux", known).empty());
  CHECK(nearest_key(std::string(100'000, 'x'), known).empty());
  CHECK(nearest_key("x", {}).empty());
  CHECK(suggestion("dleay", known) == "did you mean 'delay'?");
  CHECK(suggestion("quux", {"a_key", "b_key"}) == "known here: a_key, b_key");
}

TEST_CASE("text comes in UTF-8 and UTF-16") {
  using namespace std::string_literals;
  const std::string expected = "a: \xC3\xA9\xF0\x9F\x91\x97\n";
  const std::string little = "a\0:\0 \0\xE9\0\x3D\xD8\x57\xDC\n\0"s;
  const std::string big = "\0a\0:\0 \0\xE9\xD8\x3D\xDC\x57\0\n"s;
  for (const std::string& raw :
       {expected, "\xEF\xBB\xBF" + expected, "\xFF\xFE"s + little, little, "\xFE\xFF"s + big, big}) {
    CHECK(to_utf8(raw).text == expected);
    CHECK(to_utf8(raw).error.empty());
  }
  CHECK(to_utf8("").error.empty());
  CHECK(to_utf8("\xFF\xFE"s).error.empty());
}

TEST_CASE("text that is none is refused with its place") {
  using namespace std::string_literals;
  struct row {
    std::string raw;
    std::size_t line, column;
  };
  for (const auto& [raw, line, column] :
       {row{"ab\ncd\x80", 2, 3}, row{"\xC0\xAF", 1, 1}, row{"\xED\xA0\x80", 1, 1},
        row{"\xF4\x90\x80\x80", 1, 1}, row{"\xE0\x80\x80", 1, 1}, row{"\xC3", 1, 1},
        row{"a\n\n\xC3\xA9\x04", 3, 2}, row{"key: \x1B[1m", 1, 6}, row{"abc\0"s, 1, 4},
        row{"\xFF\xFE\x3D\xD8"s, 0, 0}, row{"\xFF\xFE\x57\xDC"s, 0, 0}, row{"\xFF\xFE\x41"s, 0, 0}}) {
    const auto decoded = to_utf8(raw);
    CHECK_FALSE(decoded.error.empty());
    CHECK(decoded.text.empty());
    CHECK(decoded.line == line);
    CHECK(decoded.column == column);
  }
}
