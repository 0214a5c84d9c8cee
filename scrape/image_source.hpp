#pragma once
#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "config/site.hpp"
#include "core/error.hpp"
#include "scrape/fetcher.hpp"

namespace catwalk::scrape {

/// The image lane's request for one address: a browser's User-Agent (see `fetch.images.user_agent`), the
/// headers that zara hosts need, `Accept`, time and size limits, up to three tries. `site` may be null (an
/// image no site claims).
fetch_request image_request(const std::string& url, const config::site* site,
                            const config::fetch_settings& settings);

/// Makes a shop's image address usable: `//host/…` gets `https:`, a relative address is resolved against
/// `base`, the first `{width}` becomes `width`. `not_an_image` for `data:` addresses, videos and documents.
result<std::string> usable_image_url(std::string_view raw, std::string_view base, int width);

}  // namespace catwalk::scrape
