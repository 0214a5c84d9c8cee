#pragma once
#include <string>

#include "config/settings.hpp"
#include "core/http_client.hpp"

namespace catwalk::daemon {

/// How addresses that the operator configures (sink, pings, webhooks) are called: through the proxies of
/// `fetch`, without the address guard. `name` is the client's in metrics and logs.
http_client_options callback_client(std::string name, const config::fetch_settings& fetch);

}  // namespace catwalk::daemon
