#include "daemon/callback_client.hpp"

#include <utility>

namespace catwalk::daemon {

http_client_options callback_client(std::string name, const config::fetch_settings& fetch) {
  http_client_options o;
  o.name = std::move(name);
  o.user_agent = "catwalk/" CATWALK_VERSION;
  o.guard_addresses = false;
  o.http_proxy = fetch.http_proxy;
  o.https_proxy = fetch.https_proxy;
  o.no_proxy = fetch.no_proxy;
  return o;
}

}  // namespace catwalk::daemon
