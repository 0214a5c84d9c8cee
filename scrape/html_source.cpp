#include "scrape/html_source.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <utility>

#include "core/url.hpp"
#include "scrape/sitemap_walk.hpp"

namespace catwalk::scrape {

namespace asio = boost::asio;

namespace {

/// A selector as browsers know it: without catwalk's own `@attribute` at its end.
std::string for_browser(const std::string& selector) {
  const auto at = selector.rfind('@');
  const bool suffix =
      at != std::string::npos && at + 1 < selector.size() &&
      std::all_of(selector.begin() + static_cast<std::ptrdiff_t>(at) + 1, selector.end(),
                  [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
  return suffix ? selector.substr(0, at) : selector;
}

}  // namespace

page_manners manners_of(const config::html_source& html) {
  page_manners manners;
  manners.headers = html.headers;
  manners.accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
  manners.debug = html.debug;
  manners.use_browser = html.use_browser;
  manners.browser_if_refused = true;
  if (html.wait_for) {
    manners.wait_for_listing = manners.wait_for_detail = html.wait_for->text;
  } else if (html.product_selector) {
    manners.wait_for_listing = for_browser(html.product_selector->text);
  } else if (html.product_link_selector) {
    manners.wait_for_listing = for_browser(html.product_link_selector->text);
  }
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
  std::vector<endpoint_outcome> outcomes;
  for (const config::located_text& address : html.category_urls) {
    listing next{address.text, {address.text, ""}};
    auto outcome = co_await run_.read(std::move(next), static_cast<int>(outcomes.size()), sink);
    if (outcome.has_error()) co_return outcome.error();
    doubt_if_empty(*outcome);
    outcomes.push_back(std::move(*outcome));
  }
  std::vector<std::string> contains;
  if (!html.sitemap_url_contains.empty()) contains.push_back(html.sitemap_url_contains);
  for (const config::located_text& address : html.sitemaps) {
    sitemap_walk walk(context_, run_.requests(), address.text, contains);
    auto outcome = co_await run_.read_sitemap(walk, address.text, static_cast<int>(outcomes.size()), sink);
    if (outcome.has_error()) co_return outcome.error();
    outcomes.push_back(std::move(*outcome));
  }
  co_return outcomes;
}

void html_source::doubt_if_empty(endpoint_outcome& outcome) const {
  if (!outcome.complete || run_.items_of_last() != std::size_t(0)) return;
  outcome.complete = false;
  outcome.failure = error{errc::not_found, "the page gave no products", redacted(outcome.endpoint),
                          "no selector and no structured data found one",
                          "look at it with `catwalk try select`, or at what the shop sends instead"};
}

}  // namespace catwalk::scrape
