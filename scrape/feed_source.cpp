#include "scrape/feed_source.hpp"

#include <spdlog/spdlog.h>

#include <set>
#include <utility>

#include "core/offload.hpp"
#include "core/sha256.hpp"
#include "core/url.hpp"
#include "scrape/block_page.hpp"
#include "scrape/contained.hpp"
#include "scrape/feed_item.hpp"
#include "scrape/feed_parser.hpp"
#include "scrape/listing_tally.hpp"
#include "scrape/normaliser.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::size_t chunk = 65536;

page_manners manners_of(const config::feed_source& feed) {
  page_manners manners;
  manners.headers = feed.headers;
  manners.accept = "application/xml, text/xml, text/tab-separated-values, */*;q=0.5";
  manners.debug = feed.debug;
  return manners;
}

/// The parts of a feed are pages of its own to the sink.
std::string part_key(const std::string& feed, std::size_t number) {
  return feed + "#part=" + std::to_string(number);
}

/// What is kept of a feed as a whole: its hash and how many parts it had.
std::string body_mark(const std::string& hash, std::size_t parts) {
  return hash + ':' + std::to_string(parts);
}
std::size_t parts_in(const std::string& mark) {
  const std::size_t colon = mark.find(':');
  return colon == std::string::npos ? 0 : std::stoul(mark.substr(colon + 1));
}

result<std::string> hash_of(const spool& document) {
  sha256 hash;
  for (std::size_t at = 0; at < document.size(); at += chunk) {
    auto bytes = document.read(at, chunk);
    if (bytes.has_error()) return bytes.error();
    hash.update(*bytes);
  }
  return to_hex(hash.finish());
}

}  // namespace

struct feed_source::reading {
  endpoint_outcome outcome;
  spool document;
  feed_parser parser;
  std::size_t at = 0;     ///< read so far, bytes
  std::size_t parts = 0;  ///< accepted so far
  std::size_t items = 0;  ///< in them
  listing_tally tally{};
  std::vector<json> waiting{};  ///< parsed, in no part yet
  bool ended = false;
};

feed_source::feed_source(const source_context& context, field_map overrides)
    : context_(context),
      requests_(context_, manners_of(*context_.site.feed)),
      overrides_(std::move(overrides)),
      rules_(rules_for(context_.site)) {}

result<std::unique_ptr<source>> feed_source::make(const source_context& context) {
  auto overrides = field_map::compile(context.site.feed->field_map, "feed.field_map");
  if (overrides.has_error()) return overrides.error();
  return std::unique_ptr<source>(new feed_source(context, std::move(*overrides)));
}

asio::awaitable<result<std::vector<endpoint_outcome>>> feed_source::read(page_sink& sink) {
  return cancellable(read_all(sink), context_.site);
}

asio::awaitable<result<std::vector<endpoint_outcome>>> feed_source::read_all(page_sink& sink) {
  std::vector<endpoint_outcome> outcomes;
  for (std::size_t index = 0; index < context_.site.feed->urls.size(); ++index) {
    auto outcome = co_await read_feed(index, sink);
    if (outcome.has_error()) co_return outcome.error();
    const auto& failure = outcome->failure;
    if (auto ended = bans_.after(failure ? &*failure : nullptr)) co_return *ended;
    outcomes.push_back(std::move(*outcome));
  }
  co_return outcomes;
}

asio::awaitable<result<endpoint_outcome>> feed_source::read_feed(std::size_t index, page_sink& sink) {
  const std::string url = context_.site.feed->urls[index].text;
  endpoint_outcome outcome;
  outcome.endpoint = url;
  outcome.endpoint_index = static_cast<int>(index);
  if (sink.limit_reached()) co_return outcome;
  auto document = spool::open();
  if (document.has_error()) co_return document.error();
  const auto known = co_await sink.known(url, url);
  page_address address{url, ""};
  auto response = co_await requests_.fetch_into(std::move(address), validators_of(known), *document);
  if (response.has_error()) {
    if (response.error().code == errc::cancelled) co_return response.error();
    outcome.failure = response.error();
    co_return outcome;
  }
  const bool not_modified = response->status == 304 && known;
  if (!not_modified && (response->status < 200 || response->status >= 300)) {
    outcome.failure = error{errc::http_status, "cannot read the feed", redacted(url),
                            "the shop answered " + std::to_string(response->status), ""};
    outcome.failure->http_status = response->status;
    co_return outcome;
  }
  std::string hash;
  if (!not_modified) {
    auto hashed = co_await offload(context_.cpu, [&document] { return hash_of(*document); });
    if (hashed.has_error()) co_return hashed.error();
    hash = std::move(*hashed);
  }
  if (not_modified || (known && known->validators.body_hash.starts_with(hash + ':'))) {
    if (auto confirmed = co_await confirm(outcome, known->validators, sink); confirmed.has_error())
      co_return confirmed.error();
    outcome.complete = !sink.limit_reached();
    co_return outcome;
  }

  reading now{std::move(outcome), std::move(*document),
              feed_parser(redacted(url), context_.fetch.pages.max_bytes)};
  if (auto read = co_await read_parts(now, sink); read.has_error()) co_return read.error();
  if (!now.outcome.failure && now.ended && !sink.limit_reached()) now.outcome.failure = now.tally.doubt(url);
  if (!now.outcome.failure && now.ended && !sink.limit_reached()) {
    // It says that the parts are known, so they come first.
    if (auto settled = co_await sink.settle(); settled.has_error()) co_return settled.error();
    page whole;
    whole.endpoint = whole.url = url;
    whole.endpoint_index = now.outcome.endpoint_index;
    whole.validators = {header_text(*response, "ETag"), header_text(*response, "Last-Modified"),
                        body_mark(hash, now.parts)};
    if (auto accepted = co_await sink.accept(std::move(whole)); accepted.has_error())
      co_return accepted.error();
    now.outcome.complete = true;
  }
  co_return std::move(now.outcome);
}

asio::awaitable<result<void>> feed_source::confirm(const endpoint_outcome& feed, const page_validators& known,
                                                   page_sink& sink) {
  for (std::size_t part = 0; part <= parts_in(known.body_hash); ++part) {
    page read;
    read.endpoint = feed.endpoint;
    read.endpoint_index = feed.endpoint_index;
    read.url = part == 0 ? feed.endpoint : part_key(feed.endpoint, part);
    read.unchanged = true;
    if (part == 0) {
      read.validators = known;
    } else {
      const auto before = co_await sink.known(read.endpoint, read.url);
      if (before) read.keep(*before);
    }
    if (auto accepted = co_await sink.accept(std::move(read)); accepted.has_error())
      co_return accepted.error();
  }
  co_return result<void>();
}

asio::awaitable<result<void>> feed_source::read_parts(reading& of, page_sink& sink) {
  while (!sink.limit_reached()) {
    const page_place place{of.outcome.endpoint,
                           of.outcome.endpoint_index,
                           {part_key(of.outcome.endpoint, of.parts + 1), ""},
                           static_cast<int>(of.parts) + 1,
                           of.items};
    // The parser's state goes to and fro between the loop and the pool, which never use it at once.
    auto work = contained(redacted(of.outcome.endpoint), [this, &of, &place]() -> result<page_answer> {
      while (of.waiting.size() < items_per_part && !of.ended) {
        auto bytes = of.document.read(of.at, chunk);
        if (bytes.has_error()) return bytes.error();
        of.at += bytes->size();
        of.ended = bytes->empty();
        const auto parsed = of.ended ? of.parser.finish() : of.parser.push(*bytes);
        for (json& item : of.parser.take()) of.waiting.push_back(std::move(item));
        if (parsed.has_value()) continue;
        // What came before the damage is good.
        of.outcome.failure = parsed.error();
        of.ended = true;
      }
      const std::size_t count = std::min(of.waiting.size(), items_per_part);
      const auto end = of.waiting.begin() + static_cast<std::ptrdiff_t>(count);
      std::vector<json> items(std::make_move_iterator(of.waiting.begin()), std::make_move_iterator(end));
      of.waiting.erase(of.waiting.begin(), end);
      return products_of(items, place);
    });
    auto answer = co_await offload(context_.cpu, std::move(work));
    if (answer.has_error()) co_return answer.error();
    if (answer->items == 0) break;
    for (const std::string& warning : answer->warnings) spdlog::warn("{}: {}", context_.site.name, warning);
    page read;
    read.endpoint = place.endpoint;
    read.endpoint_index = place.endpoint_index;
    read.url = place.address.url;
    read.products = std::move(answer->products);
    read.skipped = std::move(answer->skipped);
    if (context_.site.debug || requests_.manners().debug) {
      spdlog::info("{}: {}: {} items, {} products, {} skipped", context_.site.name, redacted(read.url),
                   answer->items, read.products.size(), read.skipped.size());
    }
    of.tally.count(read);
    of.items += answer->items;
    ++of.parts;
    if (auto accepted = co_await sink.accept(std::move(read)); accepted.has_error())
      co_return accepted.error();
  }
  if (of.outcome.failure && of.items == 0) {
    // Not a feed at all: what it is instead says more.
    http_response shown;
    shown.status = 200;
    const auto head = of.document.read(0, 200'000);
    if (head.has_value()) shown.body = *head;
    if (auto seen = recognise_block_page(shown))
      of.outcome.failure =
          error{errc::blocked, "the shop refuses the request", of.outcome.endpoint, *seen, ""};
  }
  co_return result<void>();
}

page_answer feed_source::products_of(const std::vector<json>& items, const page_place& place) const {
  page_answer answer;
  std::vector<std::string> failures;
  item_origin origin{place.endpoint, place.endpoint_index, place.endpoint, 0};
  for (const json& item : items) {
    ++answer.items;
    json fields = feed_fields(item);
    overrides_.overlay(item, fields, failures);
    origin.position = place.items_before + answer.items;
    answer.add(normalise(fields, nullptr, context_.site, rules_, origin));
  }
  std::set<std::string> each_once(failures.begin(), failures.end());
  answer.warnings.assign(each_once.begin(), each_once.end());
  return answer;
}

}  // namespace catwalk::scrape
