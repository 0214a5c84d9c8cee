#include "scrape/listing_run.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/offload.hpp"
#include "core/url.hpp"
#include "scrape/contained.hpp"
#include "scrape/lastmod.hpp"
#include "scrape/listing_tally.hpp"
#include "scrape/seen_addresses.hpp"
#include "scrape/sitemap_walk.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;

error unexpected_status(const http_response& response) {
  error failure{errc::http_status, "cannot read the endpoint", redacted(response.url),
                "the shop answered " + std::to_string(response.status), ""};
  failure.http_status = response.status;
  return failure;
}

/// Of several files of a sitemap that could not be read each reason, the first five in words; the code is the
/// first one's.
error all_of(const std::vector<error>& failures, const std::string& endpoint) {
  constexpr std::size_t told = 5;
  error all = failures.front();
  if (failures.size() == 1) return all;
  all.what = std::to_string(failures.size()) + " files of the sitemap were not read whole";
  all.on = redacted(endpoint);
  all.why.clear();
  for (std::size_t i = 0; i < std::min(told, failures.size()); ++i)
    all.why += (i == 0 ? "" : "; ") + failures[i].to_string();
  if (failures.size() > told) all.why += "; and " + std::to_string(failures.size() - told) + " more";
  all.hint.clear();
  return all;
}

}  // namespace

/// How far one listing has been read.
struct listing_run::reading {
  endpoint_outcome outcome;
  page_place place;
  bool more = true;
  bool from_memory = false;      ///< a 304: what the page lists is known from an earlier run alone
  std::set<std::string> ids;     ///< of every item so far
  seen_addresses pages;          ///< of a sitemap
  bool details_missing = false;  ///< a product's page could not be read
  listing_tally tally;
};

asio::awaitable<result<endpoint_outcome>> listing_run::read(listing of, int index, page_sink& sink) {
  reading now;
  now.outcome.endpoint = of.endpoint;
  now.outcome.endpoint_index = index;
  now.place = {std::move(of.endpoint), index, std::move(of.first), 1, 0};
  items_of_last_ = 0;
  while (now.more) {
    if (sink.limit_reached()) co_return now.outcome;
    if (now.place.number > requests_.manners().max_pages) {
      now.outcome.failure =
          error{errc::too_large, "stopped reading the endpoint", redacted(now.place.endpoint),
                "it has more than " + std::to_string(requests_.manners().max_pages) + " pages", ""};
      break;
    }
    const auto read = co_await read_page(now, sink);
    if (read.has_error()) co_return read.error();
  }
  const auto& failure = now.outcome.failure;
  items_of_last_ = now.from_memory ? std::nullopt : std::optional(now.ids.size());
  if (auto ended = bans_.after(failure ? &*failure : nullptr)) co_return *ended;
  if (sink.limit_reached() || now.details_missing) now.outcome.complete = false;
  doubt_if_all_skipped(now);
  doubt_without_browser(now.outcome);
  co_return std::move(now.outcome);
}

asio::awaitable<result<endpoint_outcome>> listing_run::read_sitemap(sitemap_walk& walk, std::string endpoint,
                                                                    int index, page_sink& sink) {
  reading now;
  now.outcome.endpoint = endpoint;
  now.outcome.endpoint_index = index;
  now.place = {std::move(endpoint), index, {}, 1, 0};
  bool ended = false;
  while (!ended && !sink.limit_reached()) {
    auto some = co_await walk.next();
    if (some.has_error()) co_return some.error();
    ended = !some->has_value();
    if (ended) break;
    const auto read = co_await read_entries(now, std::move(**some), sink);
    if (read.has_error()) co_return read.error();
  }
  const auto& failures = walk.failures();
  if (!failures.empty()) {
    // Failures of product pages were counted as they came.
    if (auto banned = bans_.after(&failures.front())) co_return *banned;
    if (!now.outcome.failure) now.outcome.failure = all_of(failures, now.outcome.endpoint);
  }
  now.outcome.complete = ended && failures.empty() && !now.details_missing;
  doubt_if_all_skipped(now);
  doubt_without_browser(now.outcome);
  co_return std::move(now.outcome);
}

void listing_run::doubt_if_all_skipped(reading& of) {
  if (!of.outcome.complete) return;
  of.outcome.failure = of.tally.doubt(of.outcome.endpoint);
  of.outcome.complete = !of.outcome.failure;
}

asio::awaitable<result<void>> listing_run::hand_over(reading& of, page read, page_sink& sink) {
  of.tally.count(read);
  co_return co_await sink.accept(std::move(read));
}

void listing_run::doubt_without_browser(endpoint_outcome& outcome) {
  if (!requests_.lacks_browser()) return;
  outcome.complete = false;
  if (std::exchange(browser_missed_, true) || outcome.failure) return;
  outcome.failure = error{errc::not_found, "read without the browser that use_browser asks for",
                          redacted(outcome.endpoint), "", "what the site used to list is kept"};
}

asio::awaitable<result<void>> listing_run::read_page(reading& of, page_sink& sink) {
  of.more = false;
  const std::string key = of.place.address.key();
  const auto known = co_await sink.known(of.place.endpoint, key);
  auto fetching =
      requests_.fetch_page(of.place.address, validators_of(known), requests_.manners().wait_for_listing);
  auto response = co_await std::move(fetching);
  if (response.has_error()) {
    if (response.error().code == errc::cancelled) co_return response.error();
    of.outcome.failure = response.error();
    co_return result<void>();
  }

  page read;
  read.endpoint = of.place.endpoint;
  read.endpoint_index = of.place.endpoint_index;
  read.url = key;
  if (response->status == 304 && known) {
    // Only last pages have validators to ask with, so nothing follows.
    read.keep(*known);
    read.validators = known->validators;
    of.from_memory = true;
    of.outcome.complete = true;
    co_return co_await hand_over(of, std::move(read), sink);
  }
  if (response->status < 200 || response->status >= 300) {
    of.outcome.failure = unexpected_status(*response);
    co_return result<void>();
  }

  of.place.content_type = header_text(*response, "Content-Type");
  auto work = contained(redacted(key), [reader = &reader_, body = std::move(response->body),
                                        place = of.place] { return reader->read(body, place); });
  auto answer = co_await offload(context_.cpu, std::move(work));
  if (answer.has_error()) {
    of.outcome.failure = answer.error();
    co_return result<void>();
  }
  for (const std::string& warning : answer->warnings) spdlog::warn("{}: {}", context_.site.name, warning);

  std::erase_if(answer->details,
                [&](const page_address& one) { return of.ids.contains(canonical_url(one.url)); });
  std::size_t fresh = 0;
  for (std::string& id : answer->item_ids) fresh += of.ids.insert(std::move(id)).second ? 1 : 0;
  if (of.place.number > 1 && fresh == 0) {  // past the end, or a shop that does not know how to page
    of.outcome.complete = true;
    co_return result<void>();
  }
  const bool more = answer->next && answer->items > 0;
  read.validators.body_hash = answer->body_hash;
  // A 304 would hide what follows, and which products' pages to read.
  if (!more && answer->details.empty()) {
    read.validators.etag = header_text(*response, "ETag");
    read.validators.last_modified = header_text(*response, "Last-Modified");
  }
  if (known && known->validators.body_hash == answer->body_hash) {
    read.keep(*known);
  } else {
    read.products = std::move(answer->products);
    read.skipped = std::move(answer->skipped);
  }
  if (context_.site.debug || requests_.manners().debug) {
    spdlog::info("{}: {}: {} items, {} products, {} skipped{}", context_.site.name,
                 redacted(of.place.address.url), answer->items, read.products.size(), read.skipped.size(),
                 read.unchanged ? ", unchanged" : "");
  }
  const auto accepted = co_await hand_over(of, std::move(read), sink);
  if (accepted.has_error()) co_return accepted.error();
  std::vector<page_address> details = std::move(answer->details);
  const auto detailed = co_await read_details(of, std::move(details), sink);
  if (detailed.has_error()) co_return detailed.error();
  of.more = more;
  of.outcome.complete = !more;
  if (more) {
    ++of.place.number;
    of.place.items_before += answer->items;
    of.place.address = std::move(*answer->next);
  }
  co_return result<void>();
}

asio::awaitable<result<void>> listing_run::read_details(reading& of, std::vector<page_address> pages,
                                                        page_sink& sink) {
  for (std::size_t i = 0; i < pages.size() && !sink.limit_reached(); ++i) {
    page_address next = std::move(pages[i]);
    const auto read = co_await read_detail(of, std::move(next), sink);
    if (read.has_error()) co_return read.error();
  }
  co_return result<void>();
}

asio::awaitable<result<void>> listing_run::read_entries(reading& of, std::vector<sitemap_entry> entries,
                                                        page_sink& sink) {
  for (sitemap_entry& entry : entries) {
    if (sink.limit_reached()) break;
    if (!of.pages.insert(entry.url)) continue;
    const auto known = co_await sink.known(of.place.endpoint, entry.url);
    if (known && unchanged_since(entry.lastmod, known->read_at, wall_now())) {
      page as_it_was;
      as_it_was.endpoint = of.place.endpoint;
      as_it_was.endpoint_index = of.place.endpoint_index;
      as_it_was.url = std::move(entry.url);
      as_it_was.validators = known->validators;
      as_it_was.keep(*known);
      as_it_was.asked = false;
      const auto accepted = co_await hand_over(of, std::move(as_it_was), sink);
      if (accepted.has_error()) co_return accepted.error();
      continue;
    }
    page_address next{std::move(entry.url), ""};
    const auto read = co_await read_detail(of, std::move(next), sink);
    if (read.has_error()) co_return read.error();
  }
  co_return result<void>();
}

asio::awaitable<result<void>> listing_run::read_detail(reading& of, page_address address, page_sink& sink) {
  const auto known = co_await sink.known(of.place.endpoint, address.url);
  auto fetching = requests_.fetch_page(address, validators_of(known), requests_.manners().wait_for_detail);
  auto response = co_await std::move(fetching);
  page read;
  read.endpoint = of.place.endpoint;
  read.endpoint_index = of.place.endpoint_index;
  read.url = address.url;
  const bool gone = response.has_value() && (response->status == 404 || response->status == 410);
  if (gone) {
    read.skipped.push_back({page_not_found, address.url, {}});
    co_return co_await hand_over(of, std::move(read), sink);
  }
  if (response.has_value() && response->status == 304 && known) {
    read.keep(*known);
    read.validators = known->validators;
    co_return co_await hand_over(of, std::move(read), sink);
  }
  std::optional<error> failure;
  if (response.has_error()) {
    failure = response.error();
  } else if (response->status < 200 || response->status >= 300) {
    failure = unexpected_status(*response);
  }
  if (failure && failure->code == errc::cancelled) co_return *failure;
  if (auto ended = bans_.after(failure ? &*failure : nullptr)) co_return *ended;
  if (!failure) {
    page_place place = of.place;
    place.address = std::move(address);
    place.content_type = header_text(*response, "Content-Type");
    auto work = contained(redacted(read.url),
                          [reader = &reader_, body = std::move(response->body), place = std::move(place)] {
                            return reader->read_detail(body, place);
                          });
    auto answer = co_await offload(context_.cpu, std::move(work));
    if (answer.has_error()) {
      failure = answer.error();
    } else {
      for (const std::string& warning : answer->warnings) spdlog::warn("{}: {}", context_.site.name, warning);
      read.validators = {header_text(*response, "ETag"), header_text(*response, "Last-Modified"),
                         answer->body_hash};
      if (known && known->validators.body_hash == answer->body_hash) {
        read.keep(*known);
      } else {
        read.products = std::move(answer->products);
        read.skipped = std::move(answer->skipped);
      }
      co_return co_await hand_over(of, std::move(read), sink);
    }
  }
  of.details_missing = true;
  if (!of.outcome.failure) of.outcome.failure = std::move(failure);
  co_return result<void>();
}

}  // namespace catwalk::scrape
