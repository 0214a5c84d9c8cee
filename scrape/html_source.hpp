#pragma once
#include <memory>

#include "scrape/html_reader.hpp"
#include "scrape/listing_run.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// The `html` kind: category pages, and the product pages that they link to.
class html_source final : public source {
 public:
  /// `invalid_config` where a selector does not parse or something is asked for that this version does not
  /// do.
  static result<std::unique_ptr<source>> make(const source_context& context);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read(page_sink& sink) override;

 private:
  html_source(const source_context& context, html_reader reader);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read_all(page_sink& sink);
  /// A page that lists nothing may be an error page, or selectors may not fit any more: it is incomplete, so
  /// that what it used to list is not gone.
  void doubt_if_empty(endpoint_outcome& outcome) const;

  source_context context_;
  html_reader reader_;
  listing_run run_;
};

/// How the pages of an `html` section are asked for.
page_manners manners_of(const config::html_source& html);

}  // namespace catwalk::scrape
