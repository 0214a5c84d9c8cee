#pragma once
#include <boost/asio/awaitable.hpp>

#include "daemon/application.hpp"
#include "daemon/http_server.hpp"

namespace catwalk::daemon {

/// What the daemon answers on its port: `/health`, `/-/healthy`, `/-/ready`, `/metrics`. GET and HEAD alone;
/// the `Host` must be known (`http.hosts` besides localhost, 127.0.0.1, [::1] and the listen address), so
/// that a page elsewhere cannot read it by DNS rebinding.
class health_endpoints {
 public:
  explicit health_endpoints(application& app) : app_(app) {}
  boost::asio::awaitable<http_reply> answer(const http_server_request& request);

 private:
  bool known_host(const http_server_request& request) const;
  application& app_;
};

}  // namespace catwalk::daemon
