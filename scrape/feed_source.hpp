#pragma once
#include <memory>
#include <string>
#include <vector>

#include "scrape/ban_watch.hpp"
#include "scrape/field_map.hpp"
#include "scrape/page_reader.hpp"
#include "scrape/shop_rules.hpp"
#include "scrape/site_requests.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// The `feed` kind: Google Merchant feeds. A feed is put aside as it arrives and read in parts of 250 items,
/// each of which is a page to the sink, so that memory stays flat whatever its size.
class feed_source final : public source {
 public:
  static constexpr std::size_t items_per_part = 250;

  /// `invalid_config` where an expression does not parse.
  static result<std::unique_ptr<source>> make(const source_context& context);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read(page_sink& sink) override;

 private:
  feed_source(const source_context& context, field_map overrides);

  struct reading;
  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read_all(page_sink& sink);
  /// Reads one feed to its end. Its own failure is in the outcome; an error result ends the run.
  boost::asio::awaitable<result<endpoint_outcome>> read_feed(std::size_t index, page_sink& sink);
  /// What the feed listed when it was read last counts as seen.
  boost::asio::awaitable<result<void>> confirm(const endpoint_outcome& feed, const page_validators& known,
                                               page_sink& sink);
  boost::asio::awaitable<result<void>> read_parts(reading& of, page_sink& sink);
  page_answer products_of(const std::vector<nlohmann::json>& items, const page_place& place) const;

  source_context context_;
  site_requests requests_;
  field_map overrides_;
  shop_rules rules_;
  ban_watch bans_;
};

}  // namespace catwalk::scrape
