#include "scrape/listing_tally.hpp"

#include "core/url.hpp"

namespace catwalk::scrape {

void listing_tally::count(const page& read) {
  products_ += read.products.size() + read.known_products;
  for (const skipped_item& item : read.skipped)
    if (item.reason != page_not_found) ++skipped_[item.reason];
}

std::optional<error> listing_tally::doubt(const std::string& endpoint) const {
  if (products_ > 0 || skipped_.empty()) return std::nullopt;
  std::string reasons;
  for (const auto& [reason, count] : skipped_)
    reasons += (reasons.empty() ? "" : ", ") + reason + " (" + std::to_string(count) + ")";
  return error{errc::malformed, "every item of the listing was skipped", redacted(endpoint),
               std::move(reasons), "look at them with --explain: the shop may have renamed its fields"};
}

}  // namespace catwalk::scrape
