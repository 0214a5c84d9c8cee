#include "scrape/probe.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "config/load.hpp"
#include "core/offload.hpp"
#include "core/url.hpp"
#include "scrape/card_grid.hpp"
#include "scrape/contained.hpp"
#include "scrape/embedded_json.hpp"
#include "scrape/feed_parser.hpp"
#include "scrape/html_document.hpp"
#include "scrape/html_encoding.hpp"
#include "scrape/json_document.hpp"
#include "scrape/link_groups.hpp"
#include "scrape/probe_stanza.hpp"
#include "scrape/robots.hpp"
#include "scrape/sitemap_parser.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;

constexpr std::size_t most_sitemaps = 3;
/// Folders of an address that are tried as a shop's own, besides the host's.
constexpr std::size_t most_folders = 3;

page_manners browser_like() {
  page_manners manners;
  manners.accept = "text/html,application/json,application/xml;q=0.9,*/*;q=0.8";
  return manners;
}

/// Keeps the first products that a source gives, and remembers nothing.
class sample_sink final : public page_sink {
 public:
  explicit sample_sink(int most_pages) : most_pages_(most_pages) {}

  asio::awaitable<std::optional<known_page>> known(const std::string&, const std::string&) override {
    co_return std::nullopt;
  }
  asio::awaitable<result<void>> accept(page p) override {
    for (product& one : p.products) {
      if (products.size() < probe::products_shown) products.push_back(std::move(one));
    }
    ++pages;
    for (const skipped_item& item : p.skipped) last_skip = item.reason;
    co_return result<void>();
  }
  bool limit_reached() const override {
    return products.size() >= probe::products_shown || pages >= most_pages_;
  }

  std::vector<product> products;
  int pages = 0;
  std::string last_skip;

 private:
  int most_pages_;
};

/// The shop's front page rather than a part of what it sells.
bool is_front_page(const std::string& address) {
  const auto parsed = parse_url(address);
  return parsed.has_value() && (parsed->path.empty() || parsed->path == "/") && parsed->query.empty();
}

/// The collection that an address of a Shopify shop shows; empty: none.
std::string collection_in(const std::string& path) {
  constexpr std::string_view mark = "/collections/";
  const std::size_t at = path.find(mark);
  if (at == std::string::npos) return {};
  const std::string rest = path.substr(at + mark.size());
  std::string handle = percent_decode(rest.substr(0, rest.find('/')));
  return handle == "all" ? std::string() : handle;
}

/// Where the Shopify shop may live of which an address shows this path, the likeliest first: before what
/// every such shop has, else at the path, or in a folder above it.
std::vector<std::string> shop_paths(std::string path) {
  constexpr std::array marks{"/products.json", "/products/", "/collections/", "/pages/", "/blogs/"};
  std::size_t end = std::string::npos;
  for (const char* mark : marks) end = std::min(end, path.find(mark));
  if (end != std::string::npos) return {path.substr(0, end)};
  std::vector<std::string> paths;
  while (path.ends_with('/')) path.pop_back();
  while (!path.empty() && paths.size() < most_folders) {
    paths.push_back(path);
    path.resize(path.rfind('/'));
  }
  paths.emplace_back();
  return paths;
}

bool holds_items(const std::string& body, const std::string& on) {
  feed_parser feed(on, body.size() * 20 + 1'000'000);
  const bool good = feed.push(body).has_value() && feed.finish().has_value();
  const auto items = feed.take();
  return (good || !items.empty()) && std::any_of(items.begin(), items.end(), [](const nlohmann::json& item) {
           return item.contains("id") && item.contains("image_link");
         });
}

bool is_sitemap(const std::string& body, const std::string& on) {
  sitemap_parser sitemap(on, body.size() * 20 + 1'000'000);
  const bool good = sitemap.push(body).has_value() && sitemap.finish().has_value();
  return good && !sitemap.take().empty();
}

}  // namespace

probe::probe(const source_context& context) : context_(context), requests_(context, browser_like()) {}

asio::awaitable<result<probe_report>> probe::run(std::string address) {
  if (address.find("://") == std::string::npos) address = "https://" + address;
  if (auto looked = co_await look(address); looked.has_error()) co_return looked.error();
  auto found = co_await try_candidates();
  if (found.has_error()) co_return found.error();
  if (!*found) {
    if (auto rendered = co_await look_with_browser(); rendered.has_error()) co_return rendered.error();
    found = co_await try_candidates();
    if (found.has_error()) co_return found.error();
  }
  if (*found) co_return std::move(report_);
  co_return found_nothing(address);
}

asio::awaitable<result<bool>> probe::try_candidates() {
  for (candidate& one : std::exchange(candidates_, {})) {
    auto reading = read_with(one);
    auto read = co_await std::move(reading);
    if (read.has_error() && read.error().code == errc::cancelled) co_return read.error();
    if (read.has_error()) {
      note_failure(one.kind, read.error());
      continue;
    }
    report_.kind = std::move(one.kind);
    report_.stanza = std::move(one.stanza);
    report_.products = std::move(*read);
    co_return true;
  }
  co_return false;
}

/// Of several tries of a kind the first, the likeliest, says why.
void probe::note_failure(const std::string& kind, const error& why) {
  const std::string mark = kind + ": ";
  const bool noted = std::any_of(report_.tried.begin(), report_.tried.end(),
                                 [&](const std::string& one) { return one.starts_with(mark); });
  if (!noted) report_.tried.push_back(mark + why.to_string());
}

error probe::found_nothing(const std::string& address) const {
  error nothing{errc::not_found, "found no products that catwalk can read", redacted(address), "",
                "try the address of a category, a feed, or the JSON that the shop's pages load"};
  if (status_ == 404 || status_ == 410) {
    nothing.what = "there is no such page";
    nothing.why = "the shop answered " + std::to_string(status_);
    nothing.hint = "look at the address in a browser";
  }
  for (const std::string& one : report_.tried) nothing.why += (nothing.why.empty() ? "" : "; ") + one;
  return nothing;
}

/// Asks for the address and lists the stanzas that may fit, the likeliest first.
asio::awaitable<result<void>> probe::look(const std::string& address) {
  page_address wanted{address, ""};
  auto response = co_await requests_.fetch(std::move(wanted));
  if (response.has_error()) co_return response.error();
  const stanza_head head = head_for(response->url);
  const std::string& body = response->body;
  const std::string_view start = trimmed(std::string_view(body).substr(0, 1000));
  status_ = response->status;
  const bool answered = status_ >= 200 && status_ < 300;
  if (answered && (start.starts_with('{') || start.starts_with('['))) {
    if (address.find("/products.json") != std::string::npos) add_shopify(address);
    if (const auto document = parse_json_document(body, address)) {
      if (auto stanza = api_stanza(head, address, *document))
        candidates_.push_back({"api", std::move(*stanza)});
    } else {
      note_failure("api", document.error());
    }
  } else if (answered && holds_items(body, address)) {
    candidates_.push_back({"feed", feed_stanza(head, address)});
  } else if (answered && is_sitemap(body, address)) {
    candidates_.push_back({"sitemap", sitemap_stanza(head, address)});
  }
  if (!candidates_.empty()) co_return result<void>();
  // Any page of a Shopify shop leads to its list; one that says nothing of it may still be one.
  add_shopify(response->url);
  if (!answered || !looks_like_html(start)) co_return result<void>();
  page_ = address;
  candidates_.push_back({"html", html_stanza(head, address)});
  // The front page shows a part of what the sitemaps list; a category is what was asked for.
  const std::string shop = response->url;
  const bool front = is_front_page(shop);
  if (front) {
    if (auto added = co_await add_sitemaps(shop); added.has_error()) co_return added.error();
  }
  if (auto added = co_await look_into_page(std::move(*response), false); added.has_error())
    co_return added.error();
  if (front) co_return result<void>();
  co_return co_await add_sitemaps(shop);
}

/// The page as a browser renders it.
asio::awaitable<result<void>> probe::look_with_browser() {
  if (context_.browser == nullptr || page_.empty()) co_return result<void>();
  page_manners manners = browser_like();
  manners.use_browser = true;
  const site_requests rendering(context_, manners);
  const page_address wanted{page_, ""};
  fetch_request request = rendering.make_page(wanted, nullptr, "");
  auto response = co_await context_.pages.fetch(std::move(request));
  if (response.has_error() && response.error().code == errc::cancelled) co_return response.error();
  if (response.has_error()) {
    note_failure("browser", response.error());
    co_return result<void>();
  }
  if (rendering.lacks_browser()) co_return result<void>();
  html_choice choice;
  choice.use_browser = true;
  candidates_.push_back({"html", html_stanza(head_for(page_), page_, choice)});
  co_return co_await look_into_page(std::move(*response), true);
}

/// Adds what a page's scripts, elements and links may hold.
asio::awaitable<result<void>> probe::look_into_page(http_response response, bool rendered) {
  auto work =
      contained(redacted(page_),
                [address = page_, page = std::move(response), rendered]() -> result<std::vector<candidate>> {
                  return candidates_of_page(address, page, rendered);
                });
  auto found = co_await offload(context_.cpu, std::move(work));
  if (found.has_error()) {
    note_failure("html", found.error());
    co_return result<void>();
  }
  std::move(found->begin(), found->end(), std::back_inserter(candidates_));
  co_return result<void>();
}

std::vector<probe::candidate> probe::candidates_of_page(const std::string& address,
                                                        const http_response& response, bool rendered) {
  std::vector<candidate> found;
  const stanza_head head = head_for(address);
  const std::string type = header_text(response, "Content-Type");
  // JSON that scripts hold is read from the page as the shop sends it.
  if (!rendered) {
    if (auto stanza = api_stanza(head, address, embedded_json(response.body, type, address)))
      found.push_back({"api", std::move(*stanza)});
  }
  const auto page = html_document::parse(page_as_utf8(response.body, type), address);
  if (page.has_error()) return found;
  html_choice choice;
  choice.use_browser = rendered;
  choice.grid = find_card_grid(*page);
  if (choice.grid) found.push_back({"html", html_stanza(head, address, choice)});
  choice.grid.reset();
  for (std::string& selector : product_link_selectors(*page, response.url)) {
    choice.product_link_selector = std::move(selector);
    found.push_back({"html", html_stanza(head, address, choice), links_tried});
  }
  return found;
}

/// What robots.txt names, else the usual place.
asio::awaitable<result<void>> probe::add_sitemaps(std::string address) {
  const auto named = resolve_url(address, "/robots.txt");
  if (named.has_error()) co_return result<void>();
  page_address wanted{*named, ""};
  const auto response = co_await requests_.fetch(std::move(wanted));
  if (response.has_error() && response.error().code == errc::cancelled) co_return response.error();
  std::vector<std::string> sitemaps;
  if (response.has_value() && response->status == 200) sitemaps = robots::parse(response->body).sitemaps();
  if (sitemaps.empty()) sitemaps.push_back(*resolve_url(address, "/sitemap.xml"));
  if (sitemaps.size() > most_sitemaps) sitemaps.resize(most_sitemaps);
  for (const std::string& one : sitemaps)
    candidates_.push_back({"sitemap", sitemap_stanza(head_for(address), one)});
  co_return result<void>();
}

void probe::add_shopify(const std::string& address) {
  const auto parsed = parse_url(address);
  if (parsed.has_error()) return;
  url shop = *parsed;
  shop.query.clear();
  shop.fragment.clear();
  const std::string collection = collection_in(shop.path);
  for (const std::string& path : shop_paths(shop.path)) {
    shop.path = path + '/';
    std::string root = shop.str();
    root.pop_back();
    candidates_.push_back({"shopify", shopify_stanza(head_for(address), root, collection)});
  }
}

asio::awaitable<result<std::vector<product>>> probe::read_with(candidate one) {
  const auto loaded = config::parse_sites(one.stanza, "the stanza");
  if (config::has_errors(loaded.found))
    co_return error{errc::internal, "made a stanza that does not load", "",
                    config::to_string(loaded.found.front()), ""};
  source_context context{loaded.sites.front(), context_.fetch, context_.pages,  context_.cpu,
                         context_.cookies,     true,           context_.browser};
  auto made = make_source(context);
  if (made.has_error()) co_return made.error();
  sample_sink sink(one.most_pages);
  const auto outcomes = co_await (*made)->read(sink);
  if (!sink.products.empty()) co_return std::move(sink.products);
  if (outcomes.has_error()) co_return outcomes.error();
  for (const endpoint_outcome& outcome : *outcomes) {
    if (outcome.failure) co_return *outcome.failure;
  }
  co_return error{errc::not_found, "it gave no products", "",
                  sink.last_skip.empty() ? "it is empty" : "items were skipped: " + sink.last_skip, ""};
}

}  // namespace catwalk::scrape
