#include "daemon/site_run.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <iterator>

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

/// How long a page may wait for others to share its transaction with.
constexpr std::chrono::milliseconds patience_of_page{50};
constexpr std::chrono::milliseconds no_patience{0};
/// Pages of one site that may be on their way to the catalogue, and the products on them.
constexpr std::size_t most_pages_under_way = 128;
constexpr std::size_t most_products_under_way = 1'000;

void count_skipped(const scrape::page& p, const read_options& options, site_report& report) {
  for (const auto& s : p.skipped) {
    ++report.skipped[s.reason];
    report.examples.try_emplace(s.reason, s.item);
    if (options.explain) spdlog::info("{}: skipped {}: {}", report.site, s.item, s.reason);
  }
}

/// Cuts the page to what the limit still permits; true when something was cut.
bool cut_to_limit(scrape::page& p, const read_options& options, const site_report& report) {
  if (!options.limit) return false;
  const auto room = static_cast<std::size_t>(std::max(0, *options.limit - report.products));
  if (p.products.size() <= room) return false;
  p.products.resize(room);
  return true;
}

}  // namespace

/// A page on its way to the catalogue, with what its commit's success adds to the report.
struct committing_page_sink::accepted {
  storage::page_commit commit;
  int read = 0;     ///< products
  int skipped = 0;  ///< items
  bool cut = false;
};

committing_page_sink::committing_page_sink(parts p, const config::site& site, storage::run_id run,
                                           read_options options, site_report& report)
    : parts_(std::move(p)),
      site_(site),
      run_(run),
      options_(options),
      report_(report),
      commits_(parts_.loop) {}

asio::awaitable<std::optional<scrape::known_page>> committing_page_sink::known(const std::string& endpoint,
                                                                               const std::string& url) {
  co_await parts_.intake.wait_until_open();
  if (options_.refresh) co_return std::nullopt;
  if (!site_is_known_) {
    const auto any = co_await parts_.catalogue.has_pages(site_name(site_.name));
    if (!any) spdlog::warn("{}", any.error().to_string());
    site_is_known_ = !any || *any;
  }
  // Asking the database for each page of a new site takes longer than it takes to know better.
  if (!*site_is_known_ && !read_.contains(std::hash<std::string>()(url))) co_return std::nullopt;
  // A page that comes again within a run is known from its first time; why it is not is said by accept().
  if (under_way_.contains(url)) static_cast<void>(co_await settle());
  auto found = co_await parts_.catalogue.find_page(site_name(site_.name), endpoint, url);
  if (!found) {
    spdlog::warn("{}", found.error().to_string());
    co_return std::nullopt;
  }
  const auto& record = *found;
  if (!record || record->stanza_hash != site_.stanza_hash) co_return std::nullopt;
  co_return scrape::known_page{{record->etag, record->last_modified, record->body_hash},
                               record->fetched,
                               record->listed.size(),
                               record->skipped};
}

committing_page_sink::accepted committing_page_sink::prepared(scrape::page p, bool cut) const {
  storage::page_commit commit;
  commit.run = run_;
  commit.page.site = site_name(site_.name);
  commit.page.endpoint = std::move(p.endpoint);
  commit.page.endpoint_index = p.endpoint_index;
  commit.page.url = std::move(p.url);
  if (!cut) {
    // A page of which only a part was stored must not count as known by the next run.
    commit.page.etag = std::move(p.validators.etag);
    commit.page.last_modified = std::move(p.validators.last_modified);
    commit.page.body_hash = std::move(p.validators.body_hash);
  }
  commit.page.stanza_hash = site_.stanza_hash;
  for (const auto& item : p.products) commit.page.listed.push_back(item.id);
  commit.page.skipped = std::move(p.skipped);
  commit.unchanged = p.unchanged;
  commit.asked = p.asked;
  commit.to_sink = parts_.to_sink;
  commit.fingerprint = parts_.fingerprint;
  if (parts_.shape) commit.shape = parts_.shape();
  const auto place = std::find(site_.countries.begin(), site_.countries.end(), site_.country);
  if (place != site_.countries.end())
    commit.country_position = static_cast<int>(place - site_.countries.begin());
  commit.images_older_than = wall_now() - parts_.images_revalidate;
  const auto read = static_cast<int>(p.products.size());
  const auto skipped = static_cast<int>(commit.page.skipped.size());
  commit.products = std::move(p.products);
  return {std::move(commit), read, skipped, cut};
}

asio::awaitable<result<void>> committing_page_sink::accept(scrape::page p) {
  if (failure_) co_return *failure_;
  const bool cut = cut_to_limit(p, options_, report_);
  count_skipped(p, options_, report_);
  accepted page = prepared(std::move(p), cut);
  read_.insert(std::hash<std::string>()(page.commit.page.url));
  const auto products = static_cast<std::size_t>(page.read);
  if (options_.limit || products > most_products_under_way)
    co_return co_await commit(std::move(page), no_patience);
  if (commits_.size() >= most_pages_under_way || products_under_way_ + products > most_products_under_way) {
    if (auto settled = co_await settle(); !settled) co_return settled.error();
  }
  products_under_way_ += products;
  under_way_.insert(page.commit.page.url);
  commits_.spawn("commit of a page", commit_meanwhile(std::move(page)));
  co_return result<void>();
}

asio::awaitable<result<void>> committing_page_sink::settle() {
  parts_.catalogue.hurry();
  co_await commits_.join();
  if (failure_) co_return *failure_;
  co_return result<void>();
}

asio::awaitable<void> committing_page_sink::commit_meanwhile(accepted page) {
  const std::string url = page.commit.page.url;
  const auto products = static_cast<std::size_t>(page.read);
  const auto committed = co_await commit(std::move(page), patience_of_page);
  under_way_.erase(url);
  products_under_way_ -= products;
  if (!committed && !failure_) failure_ = committed.error();
}

asio::awaitable<result<void>> committing_page_sink::commit(accepted page,
                                                           std::chrono::milliseconds patience) {
  const bool unchanged = page.commit.unchanged;
  auto counts = co_await parts_.catalogue.commit_page(std::move(page.commit), patience);
  if (!counts) co_return counts.error();
  ++report_.pages;
  report_.pages_unchanged += unchanged ? 1 : 0;
  report_.products += unchanged ? counts->unchanged : page.read;
  report_.added += counts->added;
  report_.changed += counts->changed;
  report_.unchanged += counts->unchanged;
  report_.reappeared += counts->reappeared;
  report_.limited = report_.limited || page.cut || limit_reached();
  parts_.metrics.products(site_.name, "added").Increment(counts->added);
  parts_.metrics.products(site_.name, "changed").Increment(counts->changed);
  parts_.metrics.products(site_.name, "unchanged").Increment(counts->unchanged);
  parts_.metrics.products(site_.name, "skipped").Increment(page.skipped);
  parts_.on_committed();
  co_return result<void>();
}

bool committing_page_sink::limit_reached() const {
  return options_.limit && report_.products >= *options_.limit;
}

comparing_page_sink::comparing_page_sink(storage::catalogue* catalogue, storage::layout::settings layout,
                                         read_options options, site_report& report,
                                         dry_run_findings& findings)
    : catalogue_(catalogue),
      layout_(std::move(layout)),
      options_(options),
      report_(report),
      findings_(findings) {}

asio::awaitable<std::optional<scrape::known_page>> comparing_page_sink::known(const std::string&,
                                                                              const std::string&) {
  // Every page is read whole: what would be new or changed is to be shown.
  co_return std::nullopt;
}

asio::awaitable<result<void>> comparing_page_sink::accept(scrape::page p) {
  const bool cut = cut_to_limit(p, options_, report_);
  count_skipped(p, options_, report_);
  const auto read = static_cast<int>(p.products.size());
  // As in a run, a product that is listed again changes nothing.
  report_.unchanged += static_cast<int>(
      std::erase_if(p.products, [&](const product& item) { return !compared_.insert(item.id).second; }));
  result<std::vector<storage::comparison>> compared = std::vector<storage::comparison>();
  if (catalogue_) {
    auto found = co_await catalogue_->compare(p.products, layout_);
    compared = std::move(found);
  } else {
    for (const auto& item : p.products) compared->push_back({item.id, storage::comparison::kind::added, {}});
  }
  if (!compared) co_return compared.error();
  ++report_.pages;
  report_.products += read;
  for (const auto& c : *compared) {
    using kind = storage::comparison::kind;
    report_.added += c.what == kind::added ? 1 : 0;
    report_.changed += c.what == kind::changed ? 1 : 0;
    report_.unchanged += c.what == kind::unchanged ? 1 : 0;
  }
  report_.limited = report_.limited || cut || limit_reached();
  for (const auto& s : p.skipped)
    if (!s.id.empty()) findings_.also_seen.push_back(s.id);
  std::move(p.products.begin(), p.products.end(), std::back_inserter(findings_.products));
  std::move(compared->begin(), compared->end(), std::back_inserter(findings_.comparisons));
  co_return result<void>();
}

bool comparing_page_sink::limit_reached() const {
  return options_.limit && report_.products >= *options_.limit;
}

namespace {

/// Settles also where the caller was cancelled meanwhile: what was read is kept.
asio::awaitable<result<void>> settle_all(scrape::page_sink& sink) {
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  auto settled = co_await sink.settle();
  co_await asio::this_coro::throw_if_cancelled(throwing);
  co_return settled;
}

}  // namespace

asio::awaitable<void> read_site(const scrape::source_context& context, scrape::page_sink& sink,
                                site_report& report) {
  auto source = scrape::make_source(context);
  if (!source) {
    report.errors.push_back(source.error().to_string());
    spdlog::error("{}: {}", report.site, source.error().to_string());
    co_return;
  }
  auto outcomes = co_await (*source)->read(sink);
  const auto settled = co_await settle_all(sink);
  if (outcomes && !settled) outcomes = settled.error();
  if (!outcomes && outcomes.error().code == errc::cancelled) co_return;  // whoever cancelled says why
  if (!outcomes) {
    if (outcomes.error().code == errc::blocked) report.blocked = outcomes.error().why;
    report.errors.push_back(outcomes.error().to_string());
    spdlog::error("{}: {}", report.site, outcomes.error().to_string());
    co_return;
  }
  report.read_to_end = true;
  for (const auto& outcome : *outcomes) {
    report.listings.push_back({outcome.endpoint, outcome.complete});
    ++report.endpoints;
    report.endpoints_complete += outcome.complete ? 1 : 0;
    if (!outcome.failure) continue;
    report.errors.push_back(outcome.failure->to_string());
    spdlog::warn("{}: {}", report.site, outcome.failure->to_string());
  }
  // A shop that refused every listing has banned catwalk, however few they are.
  const auto refused = [](const scrape::endpoint_outcome& outcome) {
    return outcome.failure && outcome.failure->code == errc::blocked;
  };
  if (!outcomes->empty() && std::all_of(outcomes->begin(), outcomes->end(), refused))
    report.blocked = outcomes->back().failure->why;
}

}  // namespace catwalk::daemon
