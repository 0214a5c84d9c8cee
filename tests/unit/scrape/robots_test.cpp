#include "scrape/robots.hpp"

#include <chrono>

#include "tests/support/catch.hpp"

using catwalk::scrape::robots;
using namespace std::chrono_literals;

TEST_CASE("robots.txt names the line that decided") {
  const auto rules =
      robots::parse("# shop\r\nUser-agent: *\r\nDisallow: /cart # no carts\r\nAllow: /cart/help\r\n");
  const auto refused = rules.allowed("catwalk", "/cart?id=1");
  CHECK_FALSE(refused);
  CHECK(refused.rule == "Disallow: /cart");
  CHECK(refused.line == 3);
  const auto permitted = rules.allowed("catwalk", "/cart/help");
  CHECK(permitted);
  CHECK(permitted.rule == "Allow: /cart/help");
  CHECK(permitted.line == 4);
  CHECK(rules.allowed("catwalk", "/").rule.empty());
  CHECK(rules.allowed("catwalk", "/").line == 0);
}

TEST_CASE("robots.txt merges the groups of an agent and prefers them to everyone's") {
  const auto rules = robots::parse(
      "User-agent: *\nDisallow: /\nUser-agent: CATwalk\nUser-agent: other\nDisallow: /a\nUser-Agent: "
      "catwalk/2.0\nDisallow: /b\n");
  CHECK(rules.allowed("catwalk", "/c"));
  CHECK_FALSE(rules.allowed("catwalk", "/a"));
  CHECK_FALSE(rules.allowed("Catwalk/1.0 (+https://example.org/bot)", "/b"));
  CHECK(rules.allowed("other", "/b"));
  CHECK_FALSE(rules.allowed("catwalker", "/c"));
  CHECK_FALSE(rules.allowed("", "/c"));
  CHECK(robots::parse("User-agent: a\nDisallow: /").allowed("catwalk", "/"));
  CHECK(robots::parse("User-agent: *\nDisallow: /\nUser-agent: catwalk\nDisallow:").allowed("catwalk", "/"));
}

TEST_CASE("robots.txt lets unknown lines and crawl delays not end a list of agents") {
  const auto rules =
      robots::parse("User-agent: a\nCrawl-delay: 3\nUser-agent: b\nNoindex: /\nDisallow: /x\nCrawl-delay: 7");
  CHECK_FALSE(rules.allowed("a", "/x"));
  CHECK_FALSE(rules.allowed("b", "/x"));
  CHECK(rules.crawl_delay("a") == 3s);
  CHECK(rules.crawl_delay("b") == 7s);
}

TEST_CASE("robots.txt patterns know stars, the end, and one spelling of percent-encodings") {
  const auto matches = [](const char* rule, const char* path) {
    return !robots::parse(std::string("User-agent: *\nDisallow: ") + rule).allowed("catwalk", path).allowed;
  };
  CHECK(matches("/a*c", "/abbbcd"));
  CHECK_FALSE(matches("/a*c", "/abbb"));
  CHECK(matches("/*.gif$", "/x/y.gif"));
  CHECK(matches("/*.gif$", "/x.gif.gif"));
  CHECK_FALSE(matches("/*.gif$", "/x.gif?y"));
  CHECK(matches("*.gif", "/x.gif?y"));
  CHECK(matches("/a$", "/a"));
  CHECK_FALSE(matches("/a$", "/a/"));
  CHECK(matches("/a$b", "/a$bc"));
  CHECK(matches("/a*$", "/abc"));
  CHECK_FALSE(matches("/ab*ba$", "/aba"));
  CHECK(matches("/a%24", "/a$b"));
  CHECK(matches("/a%2Ab", "/a*b"));
  CHECK_FALSE(matches("/a%2Ab", "/axb"));
  CHECK(matches("/a%2fb", "/a%2Fb"));
  CHECK_FALSE(matches("/a%2Fb", "/a/b"));
  CHECK(matches("/s?u=a%2Fb", "/s?u=a/b"));
  CHECK_FALSE(matches("/s?u=a%26b", "/s?u=a&b"));
  CHECK(matches("/\xC5\xBE", "/%c5%bEluva"));
  CHECK(matches("/%7Ejoe", "/~joe"));
  CHECK(matches("/100%", "/100%"));
  CHECK(matches("/100%zz", "/100%zz"));
  CHECK(matches("/a", "/a#b"));
  CHECK(matches("/", ""));
  CHECK(robots::parse("User-agent: *\nDisallow: /").allowed("catwalk", "/robots.txt").allowed);
}

TEST_CASE("the longest rule of robots.txt wins, and Allow a tie") {
  const auto rules =
      robots::parse("User-agent: *\nDisallow: /a/bc\nAllow: /a/*\nAllow: /a\nDisallow: /a/*\nDisallow: /a\n");
  CHECK_FALSE(rules.allowed("x", "/a/bc"));
  CHECK(rules.allowed("x", "/a/b"));
  CHECK(rules.allowed("x", "/a/c"));
  CHECK(rules.allowed("x", "/a"));
}

TEST_CASE("an index page that robots.txt allows stands for its folder") {
  const auto rules = robots::parse("User-agent: *\nAllow: /shop/index.html\nDisallow: /\n");
  CHECK(rules.allowed("catwalk", "/shop/").rule == "Allow: /shop/index.html");
  CHECK(rules.allowed("catwalk", "/shop/index.html"));
  CHECK_FALSE(rules.allowed("catwalk", "/shop/other"));
}

TEST_CASE("robots.txt crawl delays are capped, and nonsense is left out") {
  const auto delay = [](const char* value) {
    return robots::parse(std::string("User-agent: *\nCrawl-delay: ") + value).crawl_delay("catwalk");
  };
  CHECK(delay("2") == 2000ms);
  CHECK(delay("0.5") == 500ms);
  CHECK(delay("0") == 0ms);
  CHECK(delay("86400") == 60s);
  CHECK(delay("1e300") == 60s);
  for (const auto* value : {"", "-1", "nan", "inf", "1e999", "10s", "ten", "1,5"})
    CHECK_FALSE(delay(value).has_value());
}

TEST_CASE("robots.txt is read whatever its line endings, marks and mistakes") {
  for (const auto* text : {"User-agent: *\nDisallow: /x", "User-agent: *\rDisallow: /x\r",
                           "User-agent: *\r\nDisallow: /x\r\n", "\xEF\xBB\xBFUser-agent: *\nDisallow: /x",
                           "\xEF\xBBUser-agent: *\nDisallow: /x", "USERAGENT : *\n\n\n dissallow\t/x",
                           "user-agent: * # all\ndisallow : /x", "junk\nuser-agent *\n:\nDisallow:/x"}) {
    INFO(text);
    const auto rules = robots::parse(text);
    CHECK_FALSE(rules.allowed("catwalk", "/x"));
    CHECK(rules.allowed("catwalk", "/y"));
  }
  CHECK(robots::parse("").allowed("catwalk", "/x"));
  CHECK(robots::parse("<!DOCTYPE html><html><body>Not found: /x</body></html>").allowed("catwalk", "/x"));
  CHECK(robots::parse(std::string("\0\0User-agent: *\nDisallow: /x", 29)).allowed("catwalk", "/x"));
}

TEST_CASE("robots.txt is read up to 500 KiB, whole lines only, and stays fast on hostile rules") {
  std::string text = "User-agent: *\nDisallow: /first\n";
  while (text.size() < robots::max_bytes - 20) text += "# filler\n";
  text += "Disallow: /" + std::string(100, 'a') + "\nDisallow: /late\n";
  const auto rules = robots::parse(text);
  CHECK_FALSE(rules.allowed("catwalk", "/first"));
  CHECK(rules.allowed("catwalk", "/late"));
  CHECK(rules.allowed("catwalk", "/aaa"));

  std::string stars = "User-agent: *\n";
  while (stars.size() < robots::max_bytes - 2100) {
    stars += "Disallow: /";
    for (int i = 0; i < 1000; ++i) stars += "*a";
    stars += "b$\n";
  }
  const auto began = std::chrono::steady_clock::now();
  CHECK(robots::parse(stars).allowed("catwalk", "/" + std::string(8000, 'a')));
  CHECK(std::chrono::steady_clock::now() - began < 2s);

  // Many agents over many rules: neither time nor memory may be their product.
  std::string crowd;
  for (int i = 0; crowd.size() < robots::max_bytes / 2; ++i)
    crowd += "User-agent: bot" + std::to_string(i) + "\n";
  while (crowd.size() < robots::max_bytes - 40) crowd += "Disallow: /x\nCrawl-delay: 5\n";
  const auto parsing = std::chrono::steady_clock::now();
  const auto crowded = robots::parse(crowd);
  CHECK_FALSE(crowded.allowed("bot777", "/x"));
  CHECK(crowded.crawl_delay("bot778") == 5s);
  CHECK(std::chrono::steady_clock::now() - parsing < 2s);
}
