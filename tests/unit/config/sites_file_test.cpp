#include "tests/unit/config/configuration_folder.hpp"

using namespace catwalk::config;

namespace {

const std::string api =
    "api: { endpoint: 'https://shop.example/x', items_path: items, field_map: { title: name } }";

loaded_sites read(const std::string& text) {
  return parse_sites(text, "sites.yaml");
}

}  // namespace

TEST_CASE("every key of a site is read") {
  const loaded_sites result = read(R"yaml(
- name: Shop DE
  brand: Shop
  merchant: The Shop
  source: feed
  country: no
  debug: yes
  respect_robots: true
  price_unit: minor
  image_url_contains: [-e1, -s]
  category_names: { 12: shoes, 13: bags }
  currency: EUR
  image_width: 1024
  second_hand: true
  delay: 2s
  image_delay: 5ms
  proxy: http://proxy.example:3128
  proxy_images: direct
  api:
    endpoint: https://shop.example/a
    endpoints: [https://shop.example/b, https://shop.example/c]
    items_path: products[]
    field_map: { external_id: id, title: [name, title], currency: "'EUR'", product_url: null, sale: "", size: 42 }
    headers: { Accept: application/json, X-Number: 1, X-None: }
    params: { page: 1, tag: [a, b] }
    prewarm: https://shop.example/
    prewarm_urls: [https://shop.example/de]
    product_url_template: https://shop.example/{keyword}-{id}
    debug: true
    discover_categories: { endpoint: https://shop.example/c, items_path: [a, b], url_path: url, id_path: id, url_template: "https://shop.example/{id}", headers: { A: b } }
    discover_categories_html: { category_pages: [https://shop.example/], category_link_selector: a, link_href_filter: /c/, product_api_from_category: true, extract_category_id_regex: "(\\d+)", extract_category_query_param: cat }
    fallback_html: { page_url: https://shop.example/p, product_link_selector: a.p, product_selectors: { title: h1 }, headers: { A: b }, prewarm: [https://shop.example/], use_browser: true }
  html:
    category_urls: https://shop.example/all
    product_selector: .p
    product_link_selector: a
    product_selectors: { title: h3, brand: "'Shop'", product_url: href, image: }
    sitemaps: [https://shop.example/sitemap.xml]
    sitemap_url_contains: /products/
    headers: { A: b }
    prewarm: [https://shop.example/]
    use_browser: true
    wait_for: .p .price
    debug: true
)yaml");
  REQUIRE(shown(result.found).empty());
  REQUIRE(result.sites.size() == 1);
  const site& s = result.sites[0];
  CHECK(s.name == "Shop DE");
  CHECK(s.brand == "Shop");
  CHECK(s.country == "no");
  CHECK(s.debug);
  CHECK(s.respect_robots == true);
  CHECK(s.price == price_unit::minor);
  CHECK(s.image_url_contains == std::vector<std::string>{"-e1", "-s"});
  CHECK(s.image_url_contains_set);
  CHECK(s.category_names.at("12") == "shoes");
  CHECK(s.currency == "EUR");
  CHECK(s.image_width == 1024);
  CHECK(s.second_hand);
  CHECK(s.delay_ms == 2000);
  CHECK(s.image_delay_ms == 5);
  CHECK(s.proxy == "http://proxy.example:3128");
  CHECK(s.proxy_images == "direct");
  CHECK(to_string(s.where) == "sites.yaml:2:3");
  REQUIRE(s.api);
  REQUIRE(s.api->endpoints.size() == 3);
  CHECK(s.api->endpoints[2].text == "https://shop.example/c");
  CHECK(to_string(s.api->endpoints[2].where) == "sites.yaml:21:41");
  REQUIRE(s.api->items_path.size() == 1);
  const auto& map = s.api->field_map;
  REQUIRE(map.size() == 6);
  CHECK(map[1].second.size() == 2);
  CHECK(map[2].second[0].text == "'EUR'");
  CHECK(map[3].second.empty());
  CHECK(map[4].second.empty());
  CHECK(map[5].second[0].text == "42");
  CHECK(s.api->headers == header_list{{"Accept", "application/json"}, {"X-Number", "1"}});
  CHECK(s.api->params == header_list{{"page", "1"}, {"tag", "a"}, {"tag", "b"}});
  CHECK(s.api->prewarm.size() == 2);
  REQUIRE(s.api->discover_categories);
  CHECK(s.api->discover_categories->items_path.size() == 2);
  CHECK(s.api->discover_categories->url_path->text == "url");
  CHECK(s.api->discover_categories->url_template == "https://shop.example/{id}");
  REQUIRE(s.api->discover_categories_html);
  CHECK(s.api->discover_categories_html->product_api_from_category);
  CHECK(s.api->discover_categories_html->extract_category_id_regex->text == "(\\d+)");
  REQUIRE(s.api->fallback_html);
  CHECK(s.api->fallback_html->category_urls[0].text == "https://shop.example/p");
  CHECK(s.api->fallback_html->use_browser);
  REQUIRE(s.html);
  CHECK(s.html->category_urls.size() == 1);
  CHECK(s.html->wait_for->text == ".p .price");
  CHECK(s.html->product_selectors.size() == 3);
  CHECK(s.html->sitemaps.size() == 1);
}

TEST_CASE("what a site leaves out") {
  const loaded_sites result = read("- { brand: Shop, " + api + " }\n- { name: Other, " + api + " }\n");
  REQUIRE(shown(result.found).empty());
  const site& shop = result.sites[0];
  CHECK(shop.name == "Shop");
  CHECK(shop.merchant == "Shop");
  CHECK(shop.source == "scraper");
  CHECK_FALSE(shop.respect_robots);
  CHECK_FALSE(shop.price);
  CHECK_FALSE(shop.image_url_contains_set);
  CHECK(shop.image_width == 800);
  CHECK_FALSE(shop.delay_ms);
  CHECK(result.sites[1].brand == "Other");
  CHECK(read("- { brand: S, image_url_contains: [], " + api + " }\n").sites[0].image_url_contains_set);
}

TEST_CASE("a source of a known format is an address, or a mapping") {
  const loaded_sites result = read(R"(
- { brand: A, shopify: "https://a.example/products.json?limit=5" }
- brand: B
  shopify:
    url: https://b.example/en/
    collections: [women, men]
    field_map: { gender: "tags[0]" }
    headers: { X-A: b }
- { brand: C, shopify: { url: "https://c.example", collections: all } }
- { brand: D, sitemap: [ "https://d.example/a.xml", "https://d.example/b.xml" ] }
- { brand: E, sitemap: { url: "https://e.example/s.xml", url_contains: [/p/, /q/] } }
- { brand: F, feed: "https://f.example/feed.tsv" }
- { brand: G, feed: { urls: [ "https://g.example/feed.xml" ], field_map: { brand: "'G'" } } }
)");
  REQUIRE(shown(result.found).empty());
  const auto& sites = result.sites;
  CHECK(sites[0].shopify->url.text == "https://a.example");
  CHECK(sites[1].shopify->url.text == "https://b.example/en");
  CHECK(sites[1].shopify->collections[1].text == "men");
  CHECK_FALSE(sites[1].shopify->every_collection);
  CHECK(sites[1].shopify->field_map[0].first == "gender");
  CHECK(sites[1].shopify->headers[0].second == "b");
  CHECK(sites[2].shopify->every_collection);
  CHECK(sites[3].sitemap->urls.size() == 2);
  CHECK(sites[4].sitemap->url_contains == std::vector<std::string>{"/p/", "/q/"});
  CHECK(sites[5].feed->urls[0].text == "https://f.example/feed.tsv");
  CHECK(sites[6].feed->field_map[0].second[0].text == "'G'");
}

TEST_CASE("every problem of a sites file says where, what and what to do") {
  struct row {
    std::string text;
    const char* problem;
  };
  for (
      const auto& [text, problem] : {
          row{"", "sites.yaml: warning: no sites"},
          row{"brand: Zara\n",
              "sites.yaml:1:1: expected a list of sites, found a mapping; begin each site with a dash"},
          row{"- Zara\n", "sites.yaml:1:3: a site: expected a mapping, found 'Zara'"},
          row{"- { brnad: Zara, name: Z, " + api + " }\n",
              "sites.yaml:1:5: unknown key 'brnad' in a site; did you mean 'brand'?"},
          row{"- { " + api + " }\n", "sites.yaml:1:3: a site without a name; add brand: or name:"},
          row{"- { brand: All, " + api + " }\n",
              "sites.yaml:1:3: a site cannot be named 'all': --sites takes that for every site; add name:"},
          row{"- { brand: Zara }\n",
              "sites.yaml:1:3: site 'Zara': nothing says what to read; add one of api, html, shopify, "
              "sitemap and feed"},
          row{"- { brand: Z, shopify: \"https://z.example\", " + api + " }\n",
              "sites.yaml:1:3: site 'Z': api and shopify at once; make a site of each, with a name:"},
          row{"- { brand: Z, shopify: { collections: all } }\n",
              "sites.yaml:1:24: shopify: needs url, the shop's address"},
          row{"- { brand: Z, feed: z.example }\n",
              "sites.yaml:1:21: feed: expected an http:// or https:// address, found 'z.example'"},
          row{std::string("- { brand: Zara, ")
                  .append(api)
                  .append(" }\n- { brand: ZARA, ")
                  .append(api)
                  .append(" }\n"),
              "sites.yaml:2:3: a second site named 'ZARA'; the first is in line 1; give one of them a name:"},
          row{"- brand: Z\n  brand: Y\n  " + api + "\n",
              "sites.yaml:2:3: duplicate key 'brand'; its first value is in line 1"},
          row{std::string("- &z { brand: Z, ")
                  .append(api)
                  .append(" }\n- { <<: *z, brand: Y, ")
                  .append(api)
                  .append(" }\n"),
              "sites.yaml:2:5: merge keys ('<<') are not supported; write the keys out, or use an alias as a "
              "value"},
          row{"- { brand: Z, currency: euro, " + api + " }\n",
              "sites.yaml:1:25: currency: expected three letters as EUR, found 'euro'"},
          row{"- { brand: Z, price_unit: cents, " + api + " }\n",
              "sites.yaml:1:27: price_unit: expected guess, minor or major, found 'cents'"},
          row{"- { brand: Z, delay: 1, " + api + " }\n",
              "sites.yaml:1:22: delay: expected a duration, found '1'; write it as 90s, 1h30m, 20ms or 30d"},
          row{"- { brand: Z, image_width: 0, " + api + " }\n",
              "sites.yaml:1:28: image_width: expected a whole number from 1 to 10000, found '0'"},
          row{"- { brand: Z, respect_robots: sometimes, " + api + " }\n",
              "sites.yaml:1:31: respect_robots: expected true or false, found 'sometimes'"},
          row{"- { brand: Z, api: { items_path: i, field_map: {} } }\n",
              "sites.yaml:1:20: api: needs endpoint, endpoints or discover_categories"},
          row{"- { brand: Z, api: { endpoint: 'https://x.example', field_map: {} } }\n",
              "sites.yaml:1:20: api: needs items_path"},
          row{"- { brand: Z, api: { endpoint: 'https://x.example', items_path: i } }\n",
              "sites.yaml:1:20: api: needs field_map"},
          row{"- { brand: Z, api: { endpoint: 'shop.example', items_path: i, field_map: {} } }\n",
              "sites.yaml:1:32: api.endpoint: expected an http:// or https:// address, found 'shop.example'"},
          row{"- { brand: Z, api: { endpoint: 'https://x.example', itemspath: i, items_path: i, field_map: "
              "{} } }\n",
              "sites.yaml:1:53: unknown key 'itemspath' in api; did you mean 'items_path'?"},
          row{"- { brand: Z, api: { endpoint: 'https://x.example', items_path: i, field_map: { titel: i } } "
              "}\n",
              "sites.yaml:1:81: warning: api.field_map: 'titel' is no known field; did you mean 'title'?"},
          row{"- { brand: Z, api: { endpoint: 'https://x.example', items_path: i, field_map: { title: { a: b "
              "} } } }\n",
              "sites.yaml:1:88: api.field_map.title: expected a text or a list of texts, found a mapping"},
          row{"- { brand: Z, api: { endpoint: 'https://x.example', items_path: i, field_map: [a] } }\n",
              "sites.yaml:1:79: api.field_map: expected a mapping, found a list"},
          row{"- { brand: Z, api: { endpoint: 'https://x.example', items_path: i, field_map: {}, headers: { "
              "'A:': b } } }\n",
              "sites.yaml:1:92: api.headers: 'A:' cannot be a header's name"},
          row{"- { brand: Z, api: { endpoint: 'https://x.example', items_path: i, field_map: {}, headers: { "
              "A: \"b\\nC: d\" } } }\n",
              "sites.yaml:1:97: api.headers.A: a line break inside of the value; write it on one line"},
          row{"- { brand: Z, api: { endpoint: 'https://x.example', items_path: i, field_map: {}, "
              "use_browser: true } }\n",
              "sites.yaml:1:96: warning: api.use_browser has no effect: endpoints are asked without a "
              "browser; "
              "fallback_html takes use_browser"},
          row{"- { brand: Z, api: { discover_categories: {}, items_path: i, field_map: {} } }\n",
              "sites.yaml:1:43: api.discover_categories: needs endpoint"},
          row{"- { brand: Z, api: { discover_categories_html: {}, items_path: i, field_map: {} } }\n",
              "sites.yaml:1:48: api.discover_categories_html: needs category_pages"},
          row{"- { brand: Z, html: { product_selector: a } }\n",
              "sites.yaml:1:21: html: needs category_urls or sitemaps"},
          row{"- { brand: Z, html: { page_url: 'https://x.example', sitemaps: 'https://x.example' } }\n",
              "sites.yaml:1:23: unknown key 'page_url' in html; known here: category_urls, product_selector, "
              "product_link_selector, product_selectors, sitemaps, sitemap_url_contains, headers, prewarm, "
              "prewarm_urls, use_browser, wait_for, debug"},
          row{"- { brand: Z, html: { category_urls: 'https://x.example', wait_for: .p } }\n",
              "sites.yaml:1:69: warning: html.wait_for has no effect without use_browser"},
          row{"- brand: Z\n  api: [\n", "sites.yaml:3:1: not valid YAML: end of sequence flow not found"},
      }) {
    INFO(text);
    CHECK(shown(read(text).found) == problem);
  }
}

TEST_CASE("the hash of a stanza follows its meaning alone") {
  const auto hash = [](const std::string& text) {
    const loaded_sites result = read(text);
    REQUIRE(result.sites.size() == 1);
    return result.sites[0].stanza_hash;
  };
  const std::string plain = hash("- { brand: Z, country: de, " + api + " }\n");
  CHECK(plain.size() == 64);
  CHECK(hash("# a comment\n-\n  country:   'de'\n  brand: \"Z\"\n  " + api + "\n") == plain);
  CHECK(hash("- { brand: Z, country: fr, " + api + " }\n") != plain);
  CHECK(hash("- { brand: Z, " + api + " }\n") != plain);
  CHECK(hash("- { brand: Z, country: de, delay: 1s, " + api + " }\n") != plain);
  // Lists keep their order, and neighbours do not run together.
  CHECK(hash("- { brand: Z, image_url_contains: [a, b], " + api + " }\n") !=
        hash("- { brand: Z, image_url_contains: [b, a], " + api + " }\n"));
  CHECK(hash("- { brand: Z, image_url_contains: [ab], " + api + " }\n") !=
        hash("- { brand: Z, image_url_contains: [a, b], " + api + " }\n"));
}

TEST_CASE("sites files come in UTF-8 with a mark and in UTF-16") {
  const std::string text = "- { brand: Z, " + api + " }\n";
  std::string wide("\xFF\xFE");
  for (const char c : text) wide += {c, '\0'};
  for (const std::string& raw : {"\xEF\xBB\xBF" + text, wide}) {
    const loaded_sites result = read(raw);
    CHECK(shown(result.found).empty());
    REQUIRE(result.sites.size() == 1);
    CHECK(result.sites[0].name == "Z");
    CHECK(to_string(result.sites[0].where) == "sites.yaml:1:3");
  }
}
