#include "daemon/picture_fetcher.hpp"

#include "core/url.hpp"
#include "scrape/image_source.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

http_client_options client_options(const application& app, int most_at_once) {
  const auto& fetch = app.settings().fetch;
  http_client_options o;
  o.name = "queries";
  o.user_agent = fetch.user_agent;
  o.guard_addresses = !fetch.allow_private_addresses;
  o.permitted_endpoints = app.permitted_endpoints();
  o.http_proxy = fetch.http_proxy;
  o.https_proxy = fetch.https_proxy;
  o.no_proxy = fetch.no_proxy;
  o.insecure_tls = fetch.insecure_ssl;
  o.max_connections = most_at_once;
  o.max_connections_per_host = most_at_once;
  return o;
}

}  // namespace

picture_fetcher::picture_fetcher(application& app, int most_at_once)
    : app_(app),
      http_(app.loop().get_executor(), client_options(app, most_at_once)),
      hosts_(app.loaded().sites) {}

asio::awaitable<result<std::string>> picture_fetcher::fetch(std::string address, bool follow_redirects) {
  auto request = scrape::image_request(address, hosts_.find(address), app_.settings().fetch).http;
  if (!follow_redirects) request.max_redirects = 0;
  auto response = co_await http_.fetch(std::move(request));
  if (!response) co_return response.error();
  if (response->status == 200) co_return std::move(response->body);
  error e{errc::http_status, "cannot fetch image", redacted(address),
          "the server answered " + std::to_string(response->status), ""};
  e.http_status = response->status;
  co_return e;
}

}  // namespace catwalk::daemon
