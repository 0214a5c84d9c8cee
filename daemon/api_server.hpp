#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/application.hpp"
#include "daemon/http_server.hpp"

namespace catwalk::daemon {

struct api_server_options {
  std::string listen;                 ///< `http.listen`
  std::string token;                  ///< what everything but health and metrics asks for
  std::filesystem::path unix_socket;  ///< empty: none
  /// For `POST /-/reload`: what changes, or what is wrong. Unset: the route is not there.
  std::function<result<std::vector<std::string>>()> reload;
};

/// Everything that the daemon answers over HTTP, put together: the server, who may ask (access_policy), and
/// the routes. Loop-only; `app` outlives it.
class api_server {
 public:
  api_server(application& app, api_server_options options);
  ~api_server();

  result<void> start();
  boost::asio::ip::tcp::endpoint local_endpoint() const;
  /// After application::request_stop(), or it waits for the runs that people asked for to end by themselves.
  /// `at_most`: for the requests that are being answered; what is not by then breaks off.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds at_most);

 private:
  class parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace catwalk::daemon
