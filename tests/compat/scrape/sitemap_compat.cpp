// Real sitemaps and those of other parsers' tests: how many addresses, dates and pictures each holds was
// counted in the file's own text. advancedcastle_sitemap_products.trimmed.xml is left out: it was cut to what
// is no well-formed XML.
#include <fstream>
#include <iterator>

#include "scrape/sitemap_parser.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;

namespace {

struct sitemap_case {
  const char* file;
  std::size_t entries;
  std::size_t dated;
  std::size_t images;
  bool index;
  const char* first;
};

struct counts {
  std::size_t entries = 0, dated = 0, images = 0;
  std::string first;
};

}  // namespace

TEST_CASE("sitemaps hold what their text says") {
  const auto folder = tests::suite("shops");
  if (!folder) return;
  for (const sitemap_case& one : {
           sitemap_case{"sitemaps/shopify_blackbe/sitemap_products_1.xml", 106, 105, 105, false, ""},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/sitemap.badns.xml", 2, 0, 0, false,
                        "http://www.example.com/1"},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/sitemap.ns.xml", 2, 0, 0, false, ""},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/xmlSitemap.gz", 5, 4, 0, false,
                        "http://www.example.com/"},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/sitemap.txt.gz", 5, 0, 0, false,
                        "http://www.example.com/"},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/sitemap.txt", 2, 0, 0, false,
                        "http://www.domain.com/page1.html"},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/sitemap-with-bom.txt", 2, 0, 0, false,
                        "http://www.domain.com/page1.html"},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/sitemap.index.xml", 15, 0, 0, true, ""},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/atom.xml", 1, 1, 0, false, ""},
           sitemap_case{"sitemaps/crawler-commons/rss/xmlRss_pubDate.xml", 7, 5, 0, false, ""},
           sitemap_case{"sitemaps/crawler-commons/rss/feed.rss", 3, 1, 0, false, ""},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/extension/sitemap-images.xml", 1, 0, 2, false, ""},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/extension/hebdenbridgetimes-articles-sitemap.xml",
                        74, 74, 94, false, ""},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/extension/pagemaps-sitemap.xml", 2, 0, 0, false,
                        "http://www.example.com/foo"},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/extension/sitemap-links.xml", 3, 0, 0, false, ""},
           sitemap_case{"sitemaps/crawler-commons/sitemaps/extension/sitemap-videos.xml", 3, 0, 0, false, ""},
           sitemap_case{"sitemaps/usp_docs/atom0.3.xml", 2, 0, 0, false, "https://example.org/page1"},
           sitemap_case{"sitemaps/usp_docs/atom1.0.xml", 2, 2, 0, false, ""},
           sitemap_case{"sitemaps/usp_docs/rss2.0.xml", 2, 2, 0, false, ""},
           sitemap_case{"sitemaps/usp_docs/plaintext.txt", 2, 0, 0, false, "https://example.org/page1"},
           sitemap_case{"sitemaps/usp_docs/simple-index.xml", 2, 2, 0, true, ""},
           sitemap_case{"sitemaps/usp_docs/google-image.xml", 2, 0, 3, false, ""},
           sitemap_case{"sitemaps/usp_docs/google-news.xml", 2, 2, 0, false, ""},
           sitemap_case{"sitemaps/usp_docs/hreflang.xml", 2, 2, 0, false, ""},
           sitemap_case{"scrapex_live/salla_sitemap.xml", 1, 0, 0, true, ""},
           sitemap_case{"scrapex_live/zid_subsitemap.xml", 3, 0, 0, false, ""},
           sitemap_case{"scrapex_live/live/advancedcastle_sitemap_index.xml", 4, 0, 0, true, ""},
           sitemap_case{"scrapex_live/live/salla_alsweed_sitemap_products_TRIMMED.xml", 6, 6, 18, false, ""},
           sitemap_case{"scrapex_live/live/zid_advancedcastle_sitemap_products_2026-07-20_refuter.xml", 167,
                        167, 0, false, ""},
           sitemap_case{"scrapex_live/live/salla_elburoj_sitemap_index_2026-07-20.xml", 4, 0, 0, true, ""},
       }) {
    INFO(one.file);
    std::ifstream in(*folder / one.file, std::ios::binary);
    REQUIRE(in);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    // Some captures begin with notes of where they are from.
    while (text.starts_with("<!--")) text.erase(0, text.find_first_not_of(" \n", text.find("-->") + 3));
    scrape::sitemap_parser parser("https://shop.example/sitemap.xml", 50'000'000);
    counts found;
    const auto take = [&] {
      for (const auto& entry : parser.take()) {
        if (found.entries++ == 0) found.first = entry.url;
        found.dated += entry.lastmod.empty() ? 0 : 1;
        found.images += entry.images.size();
      }
    };
    for (std::size_t at = 0; at < text.size(); at += 1000) {
      REQUIRE(parser.push(std::string_view(text).substr(at, 1000)));
      take();
    }
    REQUIRE(parser.finish());
    take();
    CHECK(found.entries == one.entries);
    CHECK(found.dated == one.dated);
    CHECK(found.images == one.images);
    CHECK(parser.is_index() == one.index);
    if (*one.first) CHECK(found.first == one.first);
  }
}
