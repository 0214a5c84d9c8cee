#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "core/address_guard.hpp"
#include "core/error.hpp"
#include "core/task_group.hpp"
#include "scrape/guard_connection.hpp"
#include "scrape/guard_pass.hpp"

namespace catwalk::scrape {

/// An HTTP proxy on loopback between catwalk's browser and the world. It looks names up itself, has the
/// address guard judge what they lead to, and dials exactly that: what a name leads to a moment later reaches
/// nothing (DNS rebinding). Answers 403 to what the guard refuses, 502 to what cannot be reached, and 407 to
/// whoever shows no pass, since every user of the machine reaches its port. Loop-only.
class guard_proxy {
 public:
  /// The guard outlives the proxy.
  guard_proxy(boost::asio::any_io_executor loop, const address_guard& guard, guard_proxy_limits limits = {});
  guard_proxy(const guard_proxy&) = delete;
  guard_proxy& operator=(const guard_proxy&) = delete;

  /// Listens on a port of the system's choice of 127.0.0.1. Errors: `io`.
  result<void> start();
  boost::asio::ip::tcp::endpoint endpoint() const noexcept { return endpoint_; }
  /// Lets a client in, as guard_passes::make.
  result<std::shared_ptr<const guard_pass>> admit(
      std::function<void(const std::string& host, const error& why)> on_failure);
  /// Closes the listener and every connection, and waits for their coroutines.
  boost::asio::awaitable<void> stop();

 private:
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> serve(std::list<guard_connection>::iterator which);
  bool make_room();

  boost::asio::any_io_executor loop_;
  const address_guard& guard_;
  guard_proxy_limits limits_;
  guard_passes passes_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::endpoint endpoint_;
  std::list<guard_connection> connections_;
  task_group tasks_;
};

}  // namespace catwalk::scrape
