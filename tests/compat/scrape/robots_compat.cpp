// robots.txt: cases of four parsers' own tests, RFC 9309's examples, crawl delays and sitemaps.
#include <boost/beast/core/detail/base64.hpp>

#include "scrape/robots.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/catch.hpp"

using namespace catwalk;
using nlohmann::json;
using scrape::robots;

namespace {

/// Path and query of an address, which may be a path already.
std::string path_of(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const auto path = url.find_first_of("/?", scheme + 3);
  return path == std::string::npos ? "/" : url.substr(path);
}

std::string text_of(const json& c) {
  if (!c.contains("robots_b64")) return c.at("robots").get<std::string>();
  namespace base64 = boost::beast::detail::base64;
  const auto encoded = c.at("robots_b64").get<std::string>();
  std::string out(base64::decoded_size(encoded.size()), '\0');
  out.resize(base64::decode(out.data(), encoded.data(), encoded.size()).first);
  return out;
}

}  // namespace

TEST_CASE("robots.txt is read as Google's parser and Protego agree") {
  const auto file = tests::suite("robots/cases.json");
  if (!file) return;
  const auto all = tests::read_json(*file);
  int agreed = 0, others = 0, others_as_written = 0;
  for (const auto& c : all.at("cases")) {
    const auto rules = robots::parse(text_of(c));
    const auto verdict =
        rules.allowed(c.at("user_agent").get<std::string>(), path_of(c.at("url").get<std::string>()));
    if (c.at("consensus").get<bool>()) {
      ++agreed;
      INFO(c.at("id") << " " << c.at("user_agent") << " " << c.at("url") << "\n"
                      << text_of(c) << "\n"
                      << verdict.rule);
      CHECK(verdict.allowed == c.at("allowed").get<bool>());
    } else {
      ++others;
      others_as_written += verdict.allowed == c.at("allowed").get<bool>();
    }
  }
  CHECK(agreed == 894);
  WARN("of " << others << " cases that the two parsers answer differently, " << others_as_written
             << " come out as their authors wrote them");
}

TEST_CASE("robots.txt is read as RFC 9309 has it") {
  const auto file = tests::suite("robots/rfc9309.json");
  if (!file) return;
  const auto rfc = tests::read_json(*file);
  const auto example = robots::parse(rfc.at("section_5_1_robots").get<std::string>());
  for (const auto& c : rfc.at("section_5_1_cases")) {
    INFO(c.dump());
    CHECK(example.allowed(c.at("user_agent").get<std::string>(), path_of(c.at("url").get<std::string>()))
              .allowed == c.at("allowed").get<bool>());
  }
  for (const auto& c : rfc.at("encoding_2_2_2")) {
    INFO(c.dump());
    const auto rule = c.at("rule").get<std::string>(), path = c.at("matches").get<std::string>();
    CHECK_FALSE(robots::parse("User-agent: *\nDisallow: " + rule).allowed("catwalk", path).allowed);
    CHECK_FALSE(robots::parse("User-agent: *\nDisallow: " + path).allowed("catwalk", rule).allowed);
    CHECK(robots::parse("User-agent: *\nDisallow: " + rule + "x").allowed("catwalk", path).allowed);
  }
}

TEST_CASE("robots.txt gives crawl delays and sitemaps as Protego does") {
  const auto file = tests::suite("robots/crawl_delay_sitemaps.json");
  if (!file) return;
  const auto all = tests::read_json(*file);
  REQUIRE(!all.at("cases").empty());
  for (const auto& c : all.at("cases")) {
    INFO(c.dump());
    const auto rules = robots::parse(c.at("robots").get<std::string>());
    if (c.contains("sitemaps")) CHECK(rules.sitemaps() == c.at("sitemaps").get<std::vector<std::string>>());
    if (!c.contains("crawl_delay")) continue;
    const auto delay = rules.crawl_delay(c.at("user_agent").get<std::string>());
    if (c.at("crawl_delay").is_null())
      CHECK_FALSE(delay.has_value());
    else
      CHECK((delay && delay->count() == c.at("crawl_delay").get<double>() * 1000));
  }
}
