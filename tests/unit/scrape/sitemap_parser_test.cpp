#include "scrape/sitemap_parser.hpp"

#include <zlib.h>

#include <optional>
#include <string>

#include "scrape/xml_repair.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;
using scrape::sitemap_entry;
using scrape::sitemap_parser;

namespace {

constexpr std::size_t plenty = 50'000'000;
const std::string address = "https://shop.example/maps/sitemap.xml";

struct reading {
  std::vector<sitemap_entry> entries;
  bool index = false;
  std::optional<error> failure;
};

/// In pieces of `step` bytes.
reading read(const std::string& text, std::size_t step = 7, std::size_t max_bytes = plenty) {
  sitemap_parser parser(address, max_bytes);
  reading out;
  const auto keep = [&] {
    for (sitemap_entry& one : parser.take()) out.entries.push_back(std::move(one));
  };
  for (std::size_t at = 0; at < text.size() && !out.failure; at += step) {
    if (auto pushed = parser.push(std::string_view(text).substr(at, step)); pushed.has_error())
      out.failure = pushed.error();
    keep();
  }
  if (!out.failure) {
    if (auto ended = parser.finish(); ended.has_error()) out.failure = ended.error();
  }
  keep();
  out.index = parser.is_index();
  return out;
}

std::string gzip(const std::string& text) {
  z_stream state{};
  REQUIRE(deflateInit2(&state, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&state, text.size()) + 32, '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&state, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - state.avail_out);
  deflateEnd(&state);
  return out;
}

std::string urlset(const std::string& body) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset "
         "xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" "
         "xmlns:image=\"http://www.google.com/schemas/sitemap-image/1.1\">" +
         body + "</urlset>\n";
}

std::string refusal(const std::string& text) {
  const auto got = read(text);
  REQUIRE(got.failure);
  return got.failure->to_string();
}

}  // namespace

TEST_CASE("a sitemap's addresses, dates and pictures are read, whatever the pieces") {
  const std::string text = urlset(R"(
    <url><loc> https://shop.example/p/1?a=1&amp;b=2 </loc><lastmod>2026-01-02</lastmod>
      <image:image><image:loc>https://cdn.example/1.jpg</image:loc><image:title>One</image:title></image:image>
      <image:image><image:loc>/2.jpg</image:loc></image:image></url>
    <url><loc><![CDATA[https://shop.example/p/2?a=1&b=2]]></loc></url>
    <url><lastmod>2026-01-02</lastmod></url>
    <url><loc>/p/3</loc></url>)");
  for (const std::size_t step : {1, 3, 64, 10'000}) {
    const auto got = read(text, step);
    INFO(step);
    CHECK_FALSE(got.failure);
    CHECK_FALSE(got.index);
    REQUIRE(got.entries.size() == 3);
    CHECK(got.entries[0].url == "https://shop.example/p/1?a=1&b=2");
    CHECK(got.entries[0].lastmod == "2026-01-02");
    CHECK(got.entries[0].images ==
          std::vector<std::string>{"https://cdn.example/1.jpg", "https://shop.example/2.jpg"});
    CHECK(got.entries[1].url == "https://shop.example/p/2?a=1&b=2");
    CHECK(got.entries[1].lastmod.empty());
    CHECK(got.entries[2].url == "https://shop.example/p/3");
  }
}

TEST_CASE("indexes, feeds and lists of addresses are sitemaps too") {
  const auto index = read(
      "<sitemapindex><sitemap><loc>https://s.example/a.xml.gz</loc><lastmod>1</lastmod></sitemap></"
      "sitemapindex>");
  CHECK(index.index);
  REQUIRE(index.entries.size() == 1);
  CHECK(index.entries[0].lastmod == "1");
  const auto rss = read(
      "<rss "
      "version='2.0'><channel><link>https://s.example/</link><image><url>https://s.example/i.png</url></"
      "image>"
      "<item><link>https://s.example/1</link><pubDate>now</pubDate></item></channel></rss>");
  REQUIRE(rss.entries.size() == 1);
  CHECK(rss.entries[0].url == "https://s.example/1");
  CHECK(rss.entries[0].lastmod == "now");
  const auto atom = read(
      "<feed xmlns='http://www.w3.org/2005/Atom'><link href='https://s.example/'/><entry>"
      "<link rel='edit' href='https://s.example/e'/><link href='https://s.example/1'/><updated>x</updated>"
      "</entry></feed>");
  REQUIRE(atom.entries.size() == 1);
  CHECK(atom.entries[0].url == "https://s.example/1");
  const auto lines = read("\xEF\xBB\xBF# our pages\r\nhttps://s.example/1\r\n\r\nHTTPS://s.example/2");
  REQUIRE(lines.entries.size() == 2);
  CHECK(lines.entries[1].url == "HTTPS://s.example/2");
  CHECK_FALSE(lines.failure);
}

TEST_CASE("what shops get wrong in XML is forgiven") {
  CHECK(read("\xEF\xBB\xBF\n\n  <?xml version='1.0'?><urlset><url><loc>https://s.example/?a=1&b=2&copy</loc>"
             "</url></urlset>")
            .entries.at(0)
            .url == "https://s.example/?a=1&b=2&copy");
  CHECK(read("<x:urlset xmlns:x='http://wrong.example/'><x:url><x:loc>https://s.example/1</x:loc></x:url>"
             "</x:urlset>")
            .entries.size() == 1);
  CHECK(read("<ns:urlset><ns:url><ns:loc>https://s.example/1</ns:loc></ns:url></ns:urlset>").entries.size() ==
        1);
  CHECK(read("<urlset><url><loc>https://s.example/caf&eacute;&nbsp;\x01\xFF</loc></url></urlset>")
            .entries.at(0)
            .url == "https://s.example/caf\u00e9\u00a0 \uFFFD");
  CHECK(
      read("<?xml version='1.0' encoding='windows-1250'?><urlset><url><loc>https://s.example/\xE8</loc></url>"
           "</urlset>")
          .entries.at(0)
          .url == "https://s.example/\u010d");
  const std::string narrow = "<urlset><url><loc>https://s.example/1</loc></url></urlset>";
  std::string wide = "\xFF\xFE";
  for (const char c : narrow) (wide += c) += '\0';
  CHECK(read(wide).entries.size() == 1);
}

TEST_CASE("gzip is told by its first bytes, in one member or several") {
  const std::string text = urlset("<url><loc>https://s.example/1</loc></url>");
  const std::string packed = gzip(text);
  for (const std::size_t step : {1, 5, 100'000}) {
    CHECK(read(packed, step).entries.size() == 1);
    CHECK_FALSE(read(packed, step).failure);
  }
  CHECK(read(gzip(text.substr(0, 40)) + gzip(text.substr(40))).entries.size() == 1);
  CHECK(read(packed + std::string(512, '\0')).entries.size() == 1);
  const auto cut = read(packed.substr(0, packed.size() - 12));
  REQUIRE(cut.failure);
  CHECK(cut.failure->to_string().find("breaks off") != std::string::npos);
  std::string damaged = packed;
  damaged[packed.size() / 2] ^= 0x55;
  CHECK(read(damaged).failure);
}

TEST_CASE("bombs are refused by name") {
  const std::string zeros = gzip(std::string(100'000'000, ' '));
  REQUIRE(zeros.size() < 200'000);
  const auto got = read(zeros, 4096, 1'000'000);
  REQUIRE(got.failure);
  CHECK(got.failure->code == errc::too_large);
  CHECK(got.failure->to_string().find("more than 1000000 bytes unpacked") != std::string::npos);
  CHECK(
      refusal("<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><urlset><url><loc>&b;"
              "</loc></url></urlset>")
          .find("declares entities") != std::string::npos);
  CHECK(refusal("<!DOCTYPE l [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><urlset>&x;</urlset>")
            .find("declares entities") != std::string::npos);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  const auto nested = read(deep, 4096);
  REQUIRE(nested.failure);
  CHECK(nested.failure->code == errc::too_large);
}

TEST_CASE("what is no sitemap says what it is; what breaks off keeps what came before") {
  CHECK(refusal("<!DOCTYPE html><html><head><title>Oops<br></html>").find("an HTML page") !=
        std::string::npos);
  CHECK(refusal("<html></html>").find("an HTML page") != std::string::npos);
  CHECK(refusal("<products><url><loc>https://s.example/</loc></url></products>").find("`products`") !=
        std::string::npos);
  CHECK(refusal("").find("empty") != std::string::npos);
  CHECK(refusal("not found").find("without an address") != std::string::npos);
  CHECK(refusal(std::string(100'000, 'x')).find("without line breaks") != std::string::npos);
  const auto cut = read("<urlset><url><loc>https://s.example/1</loc></url><url><loc>https://s.ex");
  REQUIRE(cut.failure);
  CHECK(cut.failure->code == errc::malformed);
  CHECK(cut.entries.size() == 1);
}

TEST_CASE("50,000 addresses pass through a parser that keeps none") {
  sitemap_parser parser(address, plenty);
  std::size_t count = 0, most = 0;
  const auto take = [&] {
    const auto entries = parser.take();
    count += entries.size();
    most = std::max(most, entries.size());
  };
  REQUIRE(parser.push("<urlset>"));
  for (int i = 0; i < 50'000; ++i) {
    const std::string n = std::to_string(i);
    REQUIRE(parser.push("<url><loc>https://shop.example/products/a-product-" + n +
                        "</loc><lastmod>2026-01-01T00:00:" + n + "</lastmod></url>\n"));
    take();
  }
  REQUIRE(parser.push("</urlset>"));
  REQUIRE(parser.finish());
  take();
  CHECK(count == 50'000);
  CHECK(most < 100);
}

TEST_CASE("a packed list of nothing but line breaks costs its length, not its square") {
  const auto packed =
      gzip("https://shop.example/p/1" + std::string(20'000'000, '\n') + "https://shop.example/p/2");
  const auto got = read(packed, packed.size());
  CHECK_FALSE(got.failure);
  CHECK(got.entries.size() == 2);
}

TEST_CASE("repair leaves what is well-formed as it is") {
  const std::string good = "<a b=\"1 &lt; 2\">&amp; &#233; <![CDATA[ a & b &eacute; ]]> é</a>";
  for (const std::size_t step : {1, 2, 5, 100}) {
    scrape::xml_repair repair;
    std::string out;
    for (std::size_t at = 0; at < good.size(); at += step) out += repair.push(good.substr(at, step), false);
    out += repair.push("", true);
    CHECK(out == "<a b=\"1 &lt; 2\">&amp; é <![CDATA[ a & b &eacute; ]]> é</a>");
  }
}
