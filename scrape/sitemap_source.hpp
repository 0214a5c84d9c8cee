#pragma once
#include <memory>

#include "config/site.hpp"
#include "scrape/html_reader.hpp"
#include "scrape/listing_run.hpp"
#include "scrape/source.hpp"

namespace catwalk::scrape {

/// The `sitemap` kind: the product pages that sitemaps list, read by what they say for machines.
class sitemap_source final : public source {
 public:
  static result<std::unique_ptr<source>> make(const source_context& context);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read(page_sink& sink) override;

 private:
  sitemap_source(const source_context& context, html_reader reader);

  boost::asio::awaitable<result<std::vector<endpoint_outcome>>> read_all(page_sink& sink);

  source_context context_;
  html_reader reader_;
  listing_run run_;
};

}  // namespace catwalk::scrape
