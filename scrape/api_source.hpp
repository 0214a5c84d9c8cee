#pragma once
#include <memory>

#include "scrape/api_reader.hpp"
#include "scrape/html_reader.hpp"
#include "scrape/listing_run.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// The `api` kind: endpoints that answer with JSON, those that `discover_categories` finds included. Where
/// one gives nothing, the pages of `fallback_html` are read in its place, once a run; it stays incomplete.
class api_source final : public source {
 public:
  /// `invalid_config` where an expression does not parse or something is asked for that this version does not
  /// do.
  static result<std::unique_ptr<source>> make(const source_context& context);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read(page_sink& sink) override;

 private:
  api_source(const source_context& context, api_reader reader, std::optional<html_reader> fallback);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read_all(page_sink& sink);
  /// The endpoints of the configuration, and those that are discovered. A discovery that fails is an outcome.
  boost::asio::awaitable<result<std::vector<std::string>>> find_endpoints(
      std::vector<endpoint_outcome>& outcomes);
  /// Fetches one address and reads endpoints out of what it answers.
  template <class Discovery>
  boost::asio::awaitable<result<std::vector<std::string>>> discover(std::string address,
                                                                    const Discovery& discovery,
                                                                    page_manners manners);
  /// Whether an endpoint gave nothing, so that the fallback is due.
  bool is_in_need(endpoint_outcome& outcome) const;
  boost::asio::awaitable<result<void>> read_fallback(endpoint_outcome& outcome, page_sink& sink);

  source_context context_;
  api_reader reader_;
  listing_run run_;
  std::optional<html_reader> fallback_;
  bool fallback_read_ = false;
};

}  // namespace catwalk::scrape
