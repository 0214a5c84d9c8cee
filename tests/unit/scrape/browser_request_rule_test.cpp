#include "scrape/browser_request_rule.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using scrape::browser_request;
using scrape::browser_request_rule;
using verdict = browser_request_rule::verdict;

namespace {

const address_guard on(true, {"127.0.0.1:8080"});

browser_request_rule rule(bool guarded = true, bool by_proxy = false) {
  return {on, guarded, [by_proxy](const url&) { return by_proxy; }, 5};
}

browser_request page(std::string address, bool redirected = false) {
  return {std::move(address), "Document", true, redirected};
}

browser_request part(std::string address, std::string kind) {
  return {std::move(address), std::move(kind), true, false};
}

}  // namespace

TEST_CASE("what a page needs for its DOM is let through, the rest is not") {
  auto all = rule(false);
  for (const char* kind : {"Stylesheet", "Script", "XHR", "Fetch", "Other"})
    CHECK(all.judge(part("https://shop.example/x", kind)).what == verdict::permit);
  for (const char* kind :
       {"Media", "Font", "Ping", "Prefetch", "Manifest", "EventSource", "WebSocket", "New"})
    CHECK(all.judge(part("https://shop.example/x", kind)).what == verdict::block);
  CHECK(all.judge(part("https://shop.example/x.jpg", "Image")).what == verdict::empty_picture);
  CHECK(all.judge(page("https://shop.example/")).what == verdict::permit);
  CHECK(all.judge(part("https://shop.example/favicon.ico", "Other")).what == verdict::block);
  CHECK(all.judge({"https://ads.example/", "Document", false, false}).what == verdict::block);
}

TEST_CASE("only http and https, and what a page holds itself") {
  auto all = rule(false);
  for (const char* address :
       {"file:///etc/passwd", "ftp://shop.example/", "chrome://version/", "view-source:https://shop.example/",
        "data:text/html,x", "blob:https://a.example/1"}) {
    INFO(address);
    CHECK(all.judge(page(address)).what == verdict::refuse);
  }
  CHECK(all.judge(part("data:text/javascript,1", "Script")).what == verdict::permit);
  CHECK(all.judge(part("blob:https://shop.example/1", "Script")).what == verdict::permit);
  CHECK(all.judge(part("file:///etc/passwd", "XHR")).what == verdict::refuse);
}

TEST_CASE("private hosts are refused, names are to be resolved") {
  auto guarded = rule();
  for (const char* address :
       {"http://127.0.0.1/", "http://localhost/", "http://x.localhost./", "http://0x7f.1/",
        "http://017700000001/", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest",
        "http://192.168.1.1/", "http://2130706433/"}) {
    INFO(address);
    for (const auto& request : {page(address), part(address, "Fetch")}) {
      const auto refused = guarded.judge(request);
      CHECK(refused.what == verdict::refuse);
      CHECK(refused.code == errc::refused_address);
      CHECK_FALSE(refused.why.empty());
    }
  }
  CHECK(guarded.judge(page("http://127.0.0.1:8080/")).what == verdict::permit);
  CHECK(guarded.judge(page("http://93.184.216.34/")).what == verdict::permit);
  CHECK(guarded.judge(page("http://[2606:2800:220:1::1]/")).what == verdict::permit);
  const auto name = guarded.judge(page("https://shop.example/a"));
  CHECK(name.what == verdict::resolve);
  CHECK(name.host == "shop.example");
  CHECK(name.port == 443);
}

TEST_CASE("by a proxy names are permitted, private hosts are not") {
  auto proxied = rule(true, true);
  CHECK(proxied.judge(page("https://shop.example/")).what == verdict::permit);
  CHECK(proxied.judge(page("http://10.0.0.1/")).what == verdict::refuse);
}

TEST_CASE("a page is redirected five times at most, what it loads as often as it likes") {
  auto all = rule(false);
  CHECK(all.judge(page("https://shop.example/0")).what == verdict::permit);
  for (int i = 1; i <= 5; ++i) CHECK(all.judge(page("https://shop.example/", true)).what == verdict::permit);
  const auto sixth = all.judge(page("https://shop.example/6", true));
  CHECK(sixth.what == verdict::refuse);
  CHECK(sixth.code == errc::too_many_redirects);
  CHECK(all.judge(page("https://shop.example/again")).what == verdict::permit);
  for (int i = 0; i < 10; ++i)
    CHECK(all.judge({"https://shop.example/", "Script", true, true}).what == verdict::permit);
}
