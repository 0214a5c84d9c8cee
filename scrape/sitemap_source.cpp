#include "scrape/sitemap_source.hpp"

#include <utility>

#include "scrape/sitemap_walk.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;

page_manners manners_of(const config::sitemap_source& sitemap) {
  page_manners manners;
  manners.headers = sitemap.headers;
  manners.accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
  manners.debug = sitemap.debug;
  return manners;
}

}  // namespace

sitemap_source::sitemap_source(const source_context& context, html_reader reader)
    : context_(context),
      reader_(std::move(reader)),
      run_(context_, manners_of(*context_.site.sitemap), reader_) {}

result<std::unique_ptr<source>> sitemap_source::make(const source_context& context) {
  // Without a selector a page is read by its structured data alone.
  auto reader = html_reader::compile(context.site, config::html_source(), "sitemap");
  if (reader.has_error()) return reader.error();
  return std::unique_ptr<source>(new sitemap_source(context, std::move(*reader)));
}

asio::awaitable<result<std::vector<endpoint_outcome>>> sitemap_source::read(page_sink& sink) {
  return cancellable(read_all(sink), context_.site);
}

asio::awaitable<result<std::vector<endpoint_outcome>>> sitemap_source::read_all(page_sink& sink) {
  const config::sitemap_source& sitemap = *context_.site.sitemap;
  if (auto warmed = co_await run_.requests().prewarm(sitemap.prewarm); warmed.has_error())
    co_return warmed.error();
  std::vector<endpoint_outcome> outcomes;
  for (std::size_t index = 0; index < sitemap.urls.size(); ++index) {
    sitemap_walk walk(context_, run_.requests(), sitemap.urls[index].text, sitemap.url_contains);
    auto outcome = co_await run_.read_sitemap(walk, sitemap.urls[index].text, static_cast<int>(index), sink);
    if (outcome.has_error()) co_return outcome.error();
    outcomes.push_back(std::move(*outcome));
  }
  co_return outcomes;
}

}  // namespace catwalk::scrape
