#include "daemon/demo_shop/shop_pages.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace catwalk::daemon {

namespace {

std::span<const garment> slice(std::span<const garment> all, int page, int size) {
  const auto from = static_cast<std::size_t>(std::max(0, page - 1)) * static_cast<std::size_t>(size);
  if (from >= all.size()) return {};
  return all.subspan(from, std::min(all.size() - from, static_cast<std::size_t>(size)));
}

}  // namespace

std::string major_units(int minor) {
  return fmt::format("{}.{:02}", minor / 100, minor % 100);
}

std::string zara_page(std::span<const garment> garments, const std::string& origin, int page, int page_size) {
  auto components = nlohmann::json::array();
  for (const auto& g : slice(garments, page, page_size)) {
    const auto picture = origin + g.picture_path();
    components.push_back(
        {{"id", g.id},
         {"reference", fmt::format("{:08}-I2026", g.id)},
         {"type", "Product"},
         {"name", g.title()},
         {"description", ""},
         {"price", g.price_minor},
         {"sectionName", g.women ? "WOMAN" : "MAN"},
         {"familyName", g.shape_name()},
         {"availability", g.id % 11 == 0 ? "out_of_stock" : "in_stock"},
         {"detail",
          {{"description", "A " + g.shape_name() + " in " + std::string(g.colour.name) + "."},
           {"colors",
            {{{"id", "800"},
              {"name", g.colour.name},
              {"xmedia",
               {{{"type", "image"},
                 {"path", g.picture_path()},
                 {"url", picture + "?w={width}"},
                 {"extraInfo", {{"deliveryUrl", picture}}}}}}}}}}},
         {"seo", {{"keyword", g.handle()}, {"discernProductId", g.id}}}});
  }
  const bool last = static_cast<std::size_t>(page) * static_cast<std::size_t>(page_size) >= garments.size();
  const nlohmann::json answer{
      {"productGroups",
       {{{"type", "main"}, {"elements", {{{"id", "grid"}, {"commercialComponents", components}}}}}}},
      {"paginationInfo", {{"page", page}, {"pageSize", page_size}, {"isLastPage", last}}}};
  return answer.dump();
}

std::string shopify_page(std::span<const garment> garments, const std::string& origin, int page, int limit) {
  auto products = nlohmann::json::array();
  for (const auto& g : slice(garments, page, limit)) {
    const bool available = g.id % 11 != 0;
    products.push_back(
        {{"id", g.id},
         {"title", g.title()},
         {"handle", g.handle()},
         {"body_html", "<p>A " + g.shape_name() + ".</p>"},
         {"vendor", "Mira"},
         {"product_type", g.shape_name()},
         {"tags", {g.women ? "women" : "men", g.colour.name}},
         {"variants",
          {{{"id", g.id * 10 + 1},
            {"option1", "S"},
            {"price", major_units(g.price_minor)},
            {"available", available}},
           {{"id", g.id * 10 + 2},
            {"option1", "M"},
            {"price", major_units(g.price_minor)},
            {"available", available}}}},
         {"images", {{{"src", origin + g.picture_path()}, {"width", 800}, {"height", 1200}}}}});
  }
  return nlohmann::json{{"products", std::move(products)}}.dump();
}

std::string html_listing(std::span<const garment> garments) {
  std::string page =
      "<!doctype html><html lang=\"en\"><title>Demo shop</title><body><h1>All products</h1><ul>\n";
  for (const auto& g : garments)
    page += fmt::format(
        "<li><a class=\"product\" href=\"/products/{}\">{}</a> <span class=\"price\">{} EUR</span></li>\n",
        g.handle(), g.title(), major_units(g.price_minor));
  return page + "</ul></body></html>\n";
}

std::string html_product(const garment& g, const std::string& origin) {
  const nlohmann::json structured{{"@context", "https://schema.org"},
                                  {"@type", "Product"},
                                  {"name", g.title()},
                                  {"sku", std::to_string(g.id)},
                                  {"image", origin + g.picture_path()},
                                  {"color", g.colour.name},
                                  {"offers",
                                   {{"@type", "Offer"},
                                    {"price", major_units(g.price_minor)},
                                    {"priceCurrency", "EUR"},
                                    {"availability", "https://schema.org/InStock"}}}};
  return fmt::format(
      "<!doctype html><html lang=\"en\"><head><title>{0}</title>\n"
      "<meta property=\"og:image\" content=\"{1}\">\n"
      "<script type=\"application/ld+json\">{2}</script></head>\n"
      "<body><h1>{0}</h1><img src=\"{3}\" alt=\"{0}\"><p class=\"price\">{4} EUR</p></body></html>\n",
      g.title(), origin + g.picture_path(), structured.dump(), g.picture_path(), major_units(g.price_minor));
}

std::string sitemap(std::span<const garment> garments, const std::string& origin) {
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n";
  for (const auto& g : garments)
    xml += fmt::format("<url><loc>{}/products/{}</loc></url>\n", origin, g.handle());
  return xml + "</urlset>\n";
}

}  // namespace catwalk::daemon
