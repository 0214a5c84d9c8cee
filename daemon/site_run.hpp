#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "config/site.hpp"
#include "core/metrics.hpp"
#include "core/task_group.hpp"
#include "daemon/intake_gate.hpp"
#include "daemon/run_report.hpp"
#include "scrape/source.hpp"
#include "storage/catalogue.hpp"

namespace catwalk::daemon {

/// How a run reads its sites.
struct read_options {
  std::optional<int> limit;  ///< products per site
  bool refresh = false;      ///< ignore validators and hashes
  bool explain = false;      ///< log every skipped item
};

/// The page transaction of one site in one run: takes what the source read, commits it to the catalogue,
/// counts. Asked for what it knows of a page, it first waits for the intake gate, so that no page is fetched
/// while intake pauses.
///
/// Pages are committed while the next are fetched, several in one transaction where they come quickly, with
/// at most 1,000 products under way; pages of more, and all where a limit counts products, before the next is
/// asked for. Call settle() before it goes.
class committing_page_sink final : public scrape::page_sink {
 public:
  struct parts {
    boost::asio::any_io_executor loop;
    storage::catalogue& catalogue;
    intake_gate& intake;
    catwalk::metrics& metrics;
    bool to_sink;
    std::string fingerprint;             ///< of the model that vectors must come from
    std::function<void()> on_committed;  ///< images and rows may be due
    std::function<std::shared_ptr<const storage::layout>()> shape;  ///< how the sink forms rows
    std::chrono::milliseconds images_revalidate;  ///< images that were asked for longer ago are due again
  };
  committing_page_sink(parts p, const config::site& site, storage::run_id run, read_options options,
                       site_report& report);

  boost::asio::awaitable<std::optional<scrape::known_page>> known(const std::string& endpoint,
                                                                  const std::string& url) override;
  boost::asio::awaitable<result<void>> accept(scrape::page p) override;
  boost::asio::awaitable<result<void>> settle() override;
  bool limit_reached() const override;

 private:
  struct accepted;
  accepted prepared(scrape::page p, bool cut) const;
  boost::asio::awaitable<result<void>> commit(accepted page, std::chrono::milliseconds patience);
  /// The same for one that nobody waits for: its error is kept.
  boost::asio::awaitable<void> commit_meanwhile(accepted page);

  parts parts_;
  const config::site& site_;
  storage::run_id run_;
  read_options options_;
  site_report& report_;
  std::optional<bool> site_is_known_;     ///< pages of it were on record when the run began
  std::unordered_set<std::size_t> read_;  ///< hashes of the addresses of this run's pages
  std::set<std::string> under_way_;       ///< the addresses of pages that are being committed
  std::size_t products_under_way_ = 0;    ///< on them
  std::optional<error> failure_;          ///< of the first of them that could not be
  task_group commits_;
};

/// What `--dry-run` finds: nothing is written.
struct dry_run_findings {
  std::vector<product> products;                 ///< all that were read, in order
  std::vector<storage::comparison> comparisons;  ///< one per product
  std::vector<product_id> also_seen;             ///< listed, but could not be read
  std::vector<storage::sync_preview::product_gone> gone;
};

/// Compares pages with the catalogue (nullptr: there is none, all is new) and writes nothing. `layout`: what
/// is configured of the sink's.
class comparing_page_sink final : public scrape::page_sink {
 public:
  comparing_page_sink(storage::catalogue* catalogue, storage::layout::settings layout, read_options options,
                      site_report& report, dry_run_findings& findings);
  boost::asio::awaitable<std::optional<scrape::known_page>> known(const std::string& endpoint,
                                                                  const std::string& url) override;
  boost::asio::awaitable<result<void>> accept(scrape::page p) override;
  bool limit_reached() const override;

 private:
  storage::catalogue* catalogue_;
  storage::layout::settings layout_;
  read_options options_;
  site_report& report_;
  dry_run_findings& findings_;
  std::set<product_id> compared_;
};

/// Reads one site into `sink` and completes `report` with endpoints and errors.
boost::asio::awaitable<void> read_site(const scrape::source_context& context, scrape::page_sink& sink,
                                       site_report& report);

}  // namespace catwalk::daemon
