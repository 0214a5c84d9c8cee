#include "scrape/html_source.hpp"

#include <utility>

#include "scrape/sitemap_walk.hpp"

namespace catwalk::scrape {

namespace asio = boost::asio;

page_manners manners_of(const config::html_source& html) {
  page_manners manners;
  manners.headers = html.headers;
  manners.accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
  manners.debug = html.debug;
  return manners;
}

html_source::html_source(const source_context& context, html_reader reader)
    : context_(context),
      reader_(std::move(reader)),
      run_(context_, manners_of(*context_.site.html), reader_) {}

result<std::unique_ptr<source>> html_source::make(const source_context& context) {
  const config::site& site = context.site;
  auto reader = html_reader::compile(site, *site.html, "html");
  if (reader.has_error()) return reader.error();
  return std::unique_ptr<source>(new html_source(context, std::move(*reader)));
}

asio::awaitable<result<std::vector<endpoint_outcome>>> html_source::read(page_sink& sink) {
  return cancellable(read_all(sink), context_.site);
}

asio::awaitable<result<std::vector<endpoint_outcome>>> html_source::read_all(page_sink& sink) {
  const config::html_source& html = *context_.site.html;
  if (auto warmed = co_await run_.requests().prewarm(html.prewarm); warmed.has_error())
    co_return warmed.error();
  std::vector<listing> listings;
  for (const config::located_text& address : html.category_urls) {
    listings.push_back({address.text, {address.text, ""}});
  }
  auto outcomes = co_await run_.read_all(std::move(listings), sink);
  if (outcomes.has_error()) co_return outcomes.error();
  std::vector<std::string> contains;
  if (!html.sitemap_url_contains.empty()) contains.push_back(html.sitemap_url_contains);
  for (const config::located_text& address : html.sitemaps) {
    sitemap_walk walk(context_, run_.requests(), address.text, contains);
    auto outcome = co_await run_.read_sitemap(walk, address.text, static_cast<int>(outcomes->size()), sink);
    if (outcome.has_error()) co_return outcome.error();
    outcomes->push_back(std::move(*outcome));
  }
  co_return std::move(*outcomes);
}

}  // namespace catwalk::scrape
