#pragma once
#include <memory>

#include "scrape/api_reader.hpp"
#include "scrape/listing_run.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// The `api` kind: endpoints that answer with JSON.
class api_source final : public source {
 public:
  /// `invalid_config` where an expression does not parse or something is asked for that this version does not
  /// do.
  static result<std::unique_ptr<source>> make(const source_context& context);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read(page_sink& sink) override;

 private:
  api_source(const source_context& context, api_reader reader);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read_all(page_sink& sink);
  /// Names what would have been tried where an endpoint failed or gave nothing.
  void note_fallback(endpoint_outcome& outcome) const;

  source_context context_;
  api_reader reader_;
  listing_run run_;
};

}  // namespace catwalk::scrape
