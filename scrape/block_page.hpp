#pragma once
#include <optional>
#include <string>

#include "core/http_client.hpp"

namespace catwalk::scrape {

/// What a bot protection answered instead of the page, in words with its name and its reference ("an Akamai
/// block page, reference 18.ae760740…"); nullopt where the answer does not look like one. Pages of 200 kB and
/// more are pages of the shop: challenges are small.
std::optional<std::string> recognise_block_page(const http_response& response);

}  // namespace catwalk::scrape
