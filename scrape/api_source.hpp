#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "scrape/api_reader.hpp"
#include "scrape/fetcher.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// The `api` kind: endpoints that answer with JSON.
class api_source final : public source {
 public:
  /// `invalid_config` where an expression does not parse or something is asked for that this version does not
  /// do.
  static result<std::unique_ptr<source>> make(source_context context);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read(page_sink& sink) override;

 private:
  api_source(source_context context, api_reader reader) : context_(context), reader_(std::move(reader)) {}

  struct endpoint_reading;

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read_all(page_sink& sink);
  /// Visits the addresses that set cookies. What fails is logged; only `cancelled` is an error.
  boost::asio::awaitable<result<void>> prewarm();
  /// Reads one endpoint to its end. An error result ends the run; an endpoint's own failure is in its
  /// outcome.
  boost::asio::awaitable<result<endpoint_outcome>> read_endpoint(std::size_t index, page_sink& sink);
  /// Fetches one page, reads it on the CPU pool, and commits it.
  boost::asio::awaitable<result<void>> read_page(endpoint_reading& reading, page_sink& sink);

  fetch_request request_for(const std::string& url) const;
  std::string first_address(const std::string& endpoint) const;

  source_context context_;
  api_reader reader_;
};

}  // namespace catwalk::scrape
