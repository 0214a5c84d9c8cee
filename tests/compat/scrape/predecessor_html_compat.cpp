// The eleven HTML shops of the predecessor's own sites file: its selectors, as they stand there, over markup
// of the kind that each was written for.
#include <fstream>
#include <iterator>
#include <map>

#include "config/load.hpp"
#include "scrape/html_reader.hpp"
#include "tests/compat/suite.hpp"
#include "tests/support/result_printer.hpp"

using namespace catwalk;

namespace {

struct wanted_product {
  std::string id, title, price, image, address;
};

struct shop_page {
  std::string url, markup;
  std::vector<wanted_product> products;
  std::vector<std::string> details;  ///< product pages that the listing names
};

std::string shopify_card(const std::string& currency) {
  return R"(<div class="grid"><div class="grid-item" data-product-id="811"><div class="product-item__media">
    <a href="/products/nude-tee?variant=9"><img src="data:image/gif;base64,R0" data-src="//cdn.shop.example/tee_{width}x.jpg"
      srcset="//cdn.shop.example/tee_400x.jpg 400w, //cdn.shop.example/tee_800x.jpg 800w, //cdn.shop.example/tee_1600x.jpg 1600w"></a></div>
    <h3 class="product-title"><a href="/products/nude-tee">Nude Tee</a></h3>
    <div class="price"><span class="price__regular">)" +
         currency + R"( 45,00</span><s>60,00</s></div><p class="description">Soft cotton.</p></div>
  <div class="product grid-item" data-product-id="812"><a href="https://shop.example/products/cap"><img src="/cap.jpg">
    <h4>Cap</h4></a><span class="price">)" +
         currency + R"( 1.250,00</span></div>
  <div class="product newsletter"><h3>Join us</h3></div></div>)";
}

const std::vector<wanted_product>& shopify_products() {
  static const std::vector<wanted_product> products{
      {"811", "Nude Tee", "45.00", "https://cdn.shop.example/tee_800x.jpg",
       "https://shop.example/products/nude-tee?variant=9"},
      {"812", "Cap", "1250.00", "https://shop.example/cap.jpg", "https://shop.example/products/cap"}};
  return products;
}

/// Class names all over the card hold "product": the grid, the card and its parts.
std::string nested_card() {
  return R"(<section class="product-grid"><div class="product-card" data-product-id="31"><a class="product-card__link" href="/products/hoodie">
      <img class="product-card__image" src="/hoodie.jpg"></a><div class="product-card__info"><h3 class="product-card__title">Hoodie</h3>
      <span class="product-card__price price">€120</span></div></div>
    <div class="product-card"><a class="product-card__link" href="/products/jeans"><img src="/jeans.jpg"></a>
      <h3 class="product-card__title">Jeans</h3><span class="price">€95.50</span></div></section>)";
}

std::map<std::string, shop_page> shop_pages() {
  std::map<std::string, shop_page> pages;
  for (const char* brand : {"Scuffers", "The Nude Project", "Ffected", "Saint Alexander", "Zimmermann"}) {
    pages[brand] = {"https://shop.example/collections/all", shopify_card("€"), shopify_products(), {}};
  }
  for (const char* brand : {"Represent Clothing", "Five Four Five"}) {
    pages[brand] = {
        "https://shop.example/collections/all",
        nested_card(),
        {{"31", "Hoodie", "120", "https://shop.example/hoodie.jpg", "https://shop.example/products/hoodie"},
         {"jeans", "Jeans", "95.50", "https://shop.example/jeans.jpg",
          "https://shop.example/products/jeans"}},
        {}};
  }
  pages["H&M"] = {
      "https://www2.hm.com/en_us/men/products/view-all.html",
      R"(<ul><li><article data-articlecode="0685816001"><img src="//image.hm.com/a.jpg"><h2 class="item-heading"><a class="link">Round-neck T-shirt</a></h2>
       <span data-qa="product-price">$ 9.99</span></article></li>
       <li class="product-item" data-articlecode="0713986003"><img data-src="https://image.hm.com/b.jpg"><h3>Slim Jeans</h3><strong class="price">$24.99</strong></li></ul>)",
      {{"0685816001", "Round-neck T-shirt", "9.99", "https://image.hm.com/a.jpg",
        "https://www2.hm.com/en_us/productpage.0685816001.html"},
       {"0713986003", "Slim Jeans", "24.99", "https://image.hm.com/b.jpg",
        "https://www2.hm.com/en_us/productpage.0713986003.html"}},
      {}};
  pages["Vuori"] = {
      "https://vuoriclothing.com/collections/mens",
      R"(<div data-testid="product-tile" data-product-id="5521"><a :href="'/products/kore-short'"><img src="/kore.jpg"></a>
         <h3>Kore Short</h3><div data-testid="tile-price">$72.00</div><button data-testid="product-wish">♥</button></div>
       <div data-testid="product-tile"><a href="/products/tee"><img src="/tee.jpg"><h4>Strato Tee</h4></a><p class="price">$54</p></div>)",
      {{"5521", "Kore Short", "72.00", "https://vuoriclothing.com/kore.jpg",
        "https://vuoriclothing.com/products/kore-short"},
       {"tee", "Strato Tee", "54", "https://vuoriclothing.com/tee.jpg",
        "https://vuoriclothing.com/products/tee"}},
      {}};
  pages["Gymshark"] = {
      "https://www.gymshark.com/collections/all-products/mens",
      R"(<main><div data-testid="productCard-6798"><a data-testid="productCard-link" href="/products/legacy-tee"><img src="/l.jpg"></a>
         <h4 class="title">Legacy Tee</h4><span data-testid="price">$28</span><button data-testid="productCardWishlist-6798"></button></div>
       <article data-testid="productCard-6799"><a href="/products/power-short"><img src="/p.jpg" data-src="/p-large.jpg"></a>
         <h4 class="title">Power Short</h4><span class="product-price">$36.50</span></article></main>)",
      {{"6798", "Legacy Tee", "28", "https://www.gymshark.com/l.jpg",
        "https://www.gymshark.com/products/legacy-tee"},
       {"6799", "Power Short", "36.50", "https://www.gymshark.com/p-large.jpg",
        "https://www.gymshark.com/products/power-short"}},
      {}};
  pages["Acne Studios"] = {
      "https://www.acnestudios.com/eu/cz/en/man/clothing/",
      R"(<a href="/eu/cz/en/jacket/B90710-900.html">Jacket</a><a href="/eu/cz/en/about.html">About</a>
         <a href="/eu/cz/en/jacket/B90710-900.html#again">again</a><a href="https://www.acnestudios.com/eu/cz/en/jeans/B00174-863.html">Jeans</a>)",
      {},
      {"https://www.acnestudios.com/eu/cz/en/jacket/B90710-900.html",
       "https://www.acnestudios.com/eu/cz/en/jeans/B00174-863.html"}};
  return pages;
}

config::loaded_sites predecessor_sites(const std::filesystem::path& suites) {
  const auto path = suites / "../predecessor/sites-2025-11.yaml";
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  return config::parse_sites(std::string{std::istreambuf_iterator<char>(in), {}}, path.filename().string());
}

scrape::page_place place_at(const std::string& url) {
  return {url, 0, {url, ""}, 1, 0, "text/html; charset=utf-8"};
}

void check_products(const scrape::page_answer& answer, const shop_page& page) {
  REQUIRE(answer.products.size() == page.products.size());
  for (std::size_t i = 0; i < page.products.size(); ++i) {
    const auto& got = answer.products[i];
    const auto& wanted = page.products[i];
    CHECK(got.external_id == wanted.id);
    CHECK(got.title == wanted.title);
    CHECK(got.price == wanted.price + *got.currency);
    CHECK(got.image_url == wanted.image);
    CHECK(got.product_url == wanted.address);
  }
}

}  // namespace

TEST_CASE("predecessor: its eleven HTML shops are read as they were meant") {
  const auto suites = tests::suite(".");
  if (!suites) return;
  const auto loaded = predecessor_sites(*suites);
  const auto pages = shop_pages();
  int shops = 0;
  for (const auto& site : loaded.sites) {
    if (!site.html) continue;
    ++shops;
    INFO(site.name);
    REQUIRE(pages.count(site.name) == 1);
    const shop_page& page = pages.at(site.name);
    CHECK(scrape::html_reader::check(*site.html, "html").empty());
    const auto reader = scrape::html_reader::compile(site, *site.html, "html");
    REQUIRE(reader.has_value());
    const auto answer = reader->read(page.markup, place_at(page.url));
    REQUIRE(answer.has_value());
    check_products(*answer, page);
    std::vector<std::string> details;
    for (const auto& one : answer->details) details.push_back(one.url);
    CHECK(details == page.details);
  }
  CHECK(shops == 11);
}

TEST_CASE("predecessor: a product's page of Acne Studios") {
  const auto suites = tests::suite(".");
  if (!suites) return;
  const auto loaded = predecessor_sites(*suites);
  const auto& site = loaded.sites.back();
  REQUIRE(site.name == "Acne Studios");
  const auto reader = scrape::html_reader::compile(site, *site.html, "html");
  REQUIRE(reader.has_value());
  const std::string url = "https://www.acnestudios.com/eu/cz/en/jacket/B90710-900.html";
  const auto plain = reader->read_detail(
      R"(<base href="/eu/"><h1> Padded  jacket </h1><span class="product-price">€ 1 200,00</span>
    <p class="description">Warm.</p><img src="media/b90710.jpg"><div data-product-id="B90710-900"></div>)",
      place_at(url));
  REQUIRE(plain.has_value());
  check_products(
      *plain,
      {url,
       "",
       {{"B90710-900", "Padded jacket", "1200.00", "https://www.acnestudios.com/eu/media/b90710.jpg", url}},
       {}});
  CHECK(plain->products.front().description == "Warm.");
  const auto described = reader->read_detail(
      R"(<h1>Sale!</h1><img src="/logo.svg"><span class="price">from 1</span><script type="application/ld+json">
      {"@type": "Product", "name": "Padded jacket", "sku": "B90710-900", "image": "/b.jpg",
       "offers": {"price": "1200", "priceCurrency": "CZK"}}</script>)",
      place_at(url));
  REQUIRE(described.has_value());
  REQUIRE(described->products.size() == 1);
  CHECK(described->products.front().title == "Padded jacket");
  CHECK(described->products.front().price == "1200CZK");
  CHECK(described->products.front().image_url == "https://www.acnestudios.com/b.jpg");
  CHECK(described->products.front().brand == "Acne Studios");
}
