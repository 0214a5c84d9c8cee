#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/url.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;

namespace {

std::optional<nlohmann::json> cases(const std::string& file) {
  const auto path = tests::suite("url/" + file);
  if (!path) return std::nullopt;
  return tests::read_json(*path);
}

bool http(std::string_view address) {
  return address.starts_with("http:") || address.starts_with("https:");
}

// Drops an empty query and an empty fragment, which `url` does not tell from none.
std::string without_empty_parts(std::string address) {
  if (const auto empty = address.find("?#"); empty != address.npos) address.erase(empty, 1);
  if (address.ends_with('#')) address.pop_back();
  if (address.ends_with('?')) address.pop_back();
  return address;
}

// Why an answer that differs from the standard's is no loss for addresses on a shop's page; empty where it is
// one.
std::string excuse(const std::string& input, const std::string& wanted, const result<std::string>& got) {
  if (got && without_empty_parts(wanted) == without_empty_parts(*got))
    return "an empty query or fragment counts as none";
  if (got && wanted.find("[::") != wanted.npos && got->find('.') != got->npos)
    return "libcurl writes the IPv4 part of an IPv6 address in decimals";
  const auto authority = input.substr(0, input.find_first_of("/?#", input.find("//") + 2));
  if (!got && authority.find_first_of("!\"$&'()*+,;={}~`") != authority.npos)
    return "libcurl refuses punctuation in a host, which no registered name has";
  if (!got && authority.find("0x.") != authority.npos) return "libcurl reads no number in a bare 0x";
  return {};
}

}  // namespace

TEST_CASE("WHATWG cases with http and https come out right") {
  int passed = 0;
  int excused = 0;
  int other_schemes = 0;
  for (const auto* file : {"urltestdata.json", "ada_extra_urltestdata.json"}) {
    const auto list = cases(file);
    if (!list) return;
    for (const auto& one : *list) {
      if (!one.is_object()) continue;
      const auto input = one.at("input").get<std::string>();
      const bool has_base = one.contains("base") && one.at("base").is_string();
      const auto base = has_base ? one.at("base").get<std::string>() : std::string();
      const bool fails = one.value("failure", false);
      const auto wanted = one.value("href", std::string());
      if (has_base ? !http(base) : !http(input) && !http(wanted)) continue;
      const result<std::string> got = [&]() -> result<std::string> {
        if (has_base) return resolve_url(base, input);
        auto parsed = parse_url(input);
        if (!parsed) return std::move(parsed).error();
        return parsed->str();
      }();
      INFO("input " << input << ", base " << base << ", wanted " << wanted << ", got "
                    << (got ? *got : got.error().to_string()));
      if (!fails && !http(wanted)) {
        // mailto:, javascript:, data: …: no address to fetch.
        CHECK_FALSE(got);
        ++other_schemes;
      } else if (fails ? !got.has_value() : got && *got == wanted) {
        ++passed;
      } else {
        const auto why = excuse(input, wanted, got);
        CHECK_FALSE((fails || why.empty()));
        ++excused;
      }
    }
  }
  WARN(passed << " as the standard says, " << excused << " differ for a reason named in the test, "
              << other_schemes << " of other schemes refused");
  CHECK(passed >= 430);
  CHECK(excused <= 15);
}

TEST_CASE("percent-encoding of paths and queries is UTF-8's") {
  const auto list = cases("percent-encoding.json");
  if (!list) return;
  int passed = 0;
  for (const auto& one : *list) {
    if (!one.is_object() || !one.at("output").contains("utf-8")) continue;
    const auto input = one.at("input").get<std::string>();
    const auto wanted = one.at("output").at("utf-8").get<std::string>();
    INFO(input);
    const auto got = parse_url("http://shop.example/?" + input);
    REQUIRE(got.has_value());
    CHECK(got->query == wanted);
    ++passed;
  }
  CHECK(passed > 0);
}

TEST_CASE("names in other scripts become the punycode that browsers send") {
  const auto list = cases("toascii.json");
  if (!list) return;
  int passed = 0;
  int refused = 0;
  int lenient = 0;
  for (const auto& one : *list) {
    if (!one.is_object()) continue;
    const auto input = one.at("input").get<std::string>();
    const auto got = parse_url("http://" + input + "/");
    INFO(input << " wanted " << one.at("output") << " got " << (got ? got->host : got.error().to_string()));
    if (one.at("output").is_null()) {
      // libidn2 accepts some names that the standard forbids; DNS has none of them.
      ++(got ? lenient : passed);
    } else if (!got) {
      // Names that DNS cannot hold: labels too long, hyphens in the wrong places, characters younger than
      // libidn2.
      ++refused;
    } else {
      // The capital sharp s is "ss" for libidn2 and a letter of its own for the standard.
      const bool sharp_s = input.find("\xE1\xBA\x9E") != input.npos;
      CHECK((sharp_s || got->host == one.at("output").get<std::string>()));
      ++passed;
    }
  }
  WARN(passed << " as the standard says, " << refused << " refused, " << lenient << " accepted beyond it");
  CHECK(passed >= 60);
  CHECK(refused <= 20);
}
