#include "scrape/item_images.hpp"

#include "scrape/image_source.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using namespace catwalk::scrape;
using nlohmann::json;

namespace {
const std::string base = "https://shop.example/api/list?page=2";
}

TEST_CASE("image addresses are made usable") {
  const auto usable = [](std::string_view raw) { return usable_image_url(raw, base, 800).value(); };
  CHECK(usable("https://img.example/a.jpg") == "https://img.example/a.jpg");
  CHECK(usable("  //img.example/a.jpg ") == "https://img.example/a.jpg");
  CHECK(usable("/i/a.jpg") == "https://shop.example/i/a.jpg");
  CHECK(usable("a.jpg") == "https://shop.example/api/a.jpg");
  CHECK(usable("https://img.example/a.jpg?w={width}&ts=1") == "https://img.example/a.jpg?w=800&ts=1");
  CHECK(usable("https://img.example/w/{width}/a.jpg?w={width}")
            .starts_with("https://img.example/w/800/a.jpg?w="));
  CHECK(usable("https://img.example/a.jpg?v=clip.mp4") == "https://img.example/a.jpg?v=clip.mp4");
  CHECK(usable_image_url("//img.example/a.jpg", "", 300).value() == "https://img.example/a.jpg");
}

TEST_CASE("what is no picture is refused") {
  for (const auto* raw : {"", "data:image/png;base64,AAAA", "DATA:image/gif,x", "blob:https://shop/1",
                          "https://cdn.example/v.mp4?x=1", "https://cdn.example/v.M3U8", "/v.webm", "/a.mov",
                          "/guide.pdf", "/page.html#top", "/x.json"}) {
    INFO(raw);
    const auto refused = usable_image_url(raw, base, 800);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::not_an_image);
  }
  CHECK(usable_image_url("/a.jpg", "", 800).error().code == errc::malformed);
  CHECK(usable_image_url("ftp://a/b.jpg", base, 800).error().code == errc::malformed);
}

TEST_CASE("the first usable candidate is the main picture, the rest follow without repeats") {
  const json fields{{"image_url", {"data:image/gif;base64,xx", "//img.example/a.jpg?w={width}"}},
                    {"_xmedia_urls",
                     {"https://img.example/a.jpg?w=50", "https://img.example/b.jpg?id=1", "/c.jpg", "/c.jpg",
                      "https://img.example/b.jpg?id=2", "/film.mp4"}}};
  const auto images = images_of(fields, {}, base, 640);
  CHECK(images.main == "https://img.example/a.jpg?w=640");
  CHECK(images.raw_main == "//img.example/a.jpg?w={width}");
  CHECK(images.additional == std::vector<std::string>{"https://img.example/b.jpg?id=1",
                                                      "https://shop.example/c.jpg",
                                                      "https://img.example/b.jpg?id=2"});
}

TEST_CASE("without an image in the map the first of all pictures is the main one") {
  const json fields{{"_xmedia_urls", json::parse(R"([["/a.jpg"], "/b.jpg"])")}};
  const auto images = images_of(fields, {}, base, 800);
  CHECK(images.main == "https://shop.example/a.jpg");
  CHECK(images.additional == std::vector<std::string>{"https://shop.example/b.jpg"});
  CHECK(images_of(json{{"image_url", nullptr}, {"_xmedia_urls", {"/a.jpg"}}}, {}, base, 800).main.empty());
  CHECK(images_of(json{{"image_url", "/a.jpg"}, {"additional_images", {"/a.jpg", "/b.jpg"}}}, {}, base, 800)
            .additional == std::vector<std::string>{"https://shop.example/b.jpg"});
}

TEST_CASE("a filter passes the addresses that hold one of its parts") {
  shop_rules rules;
  rules.image_url_contains = {"-e1", "-s"};
  const json fields{{"image_url", {"/a-p.jpg", "/b-s.jpg", "/c-e1.jpg"}}};
  CHECK(images_of(fields, rules, base, 800).main == "https://shop.example/b-s.jpg");
  CHECK(images_of(json{{"image_url", "/a-p.jpg"}}, rules, base, 800).main.empty());
}

TEST_CASE("Zara's bare picture folders are not stored") {
  shop_rules rules;
  rules.zara = true;
  const json fields{{"image_url", "https://static.zara.net/a-e1.jpg"},
                    {"_xmedia_urls", {"/assets/public/a-e1"}}};
  CHECK(images_of(fields, rules, base, 800).additional.empty());
}

TEST_CASE("an image is asked for as a browser would") {
  config::fetch_settings settings;
  const auto plain = image_request("https://img.example/a.jpg", nullptr, settings);
  CHECK(plain.http.headers.find("User-Agent")->find("Chrome/") != std::string_view::npos);
  CHECK(plain.http.headers.find("Accept")->starts_with("image/"));
  CHECK_FALSE(plain.http.headers.find("Referer"));
  CHECK(plain.http.timeout == settings.images.timeout);
  CHECK(plain.http.max_bytes == settings.images.max_bytes);
  CHECK(plain.respect_robots);

  config::site site;
  site.name = "Zara";
  site.respect_robots = false;
  site.image_delay_ms = 50;
  site.proxy_images = "http://proxy:3128";
  settings.images_user_agent = "me/1";
  const auto zara = image_request("https://static.zara.net/a.jpg", &site, settings);
  CHECK(zara.http.headers.find("User-Agent") == "me/1");
  CHECK(zara.http.headers.find("Referer") == "https://www.zara.com/");
  CHECK(zara.http.headers.find("Accept")->starts_with("image/avif,image/webp,"));
  CHECK(zara.http.headers.find("Sec-Fetch-Dest") == "image");
  CHECK(zara.http.headers.find("Sec-Fetch-Mode") == "no-cors");
  CHECK(zara.http.headers.find("Sec-Fetch-Site") == "same-site");
  CHECK_FALSE(zara.respect_robots);
  CHECK(zara.delay == std::chrono::milliseconds(50));
  CHECK(zara.http.proxy == "http://proxy:3128");
  CHECK(zara.site == "Zara");
}
