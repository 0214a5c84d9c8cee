#include "scrape/guard_proxy.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

}  // namespace

guard_proxy::guard_proxy(asio::any_io_executor loop, const address_guard& guard, guard_proxy_limits limits)
    : loop_(std::move(loop)), guard_(guard), limits_(limits), acceptor_(loop_), tasks_(loop_) {}

result<void> guard_proxy::start() {
  const tcp::endpoint loopback(asio::ip::address_v4::loopback(), 0);
  boost::system::error_code failed;
  acceptor_.open(loopback.protocol(), failed);
  if (!failed) acceptor_.bind(loopback, failed);
  if (!failed) acceptor_.listen(asio::socket_base::max_listen_connections, failed);
  if (!failed) endpoint_ = acceptor_.local_endpoint(failed);
  if (failed)
    return error{errc::io, "cannot listen for the browser's requests", "127.0.0.1", failed.message(), ""};
  tasks_.spawn("guard proxy", accept());
  return {};
}

result<std::shared_ptr<const guard_pass>> guard_proxy::admit(
    std::function<void(const std::string& host, const error& why)> on_failure) {
  return passes_.make(std::move(on_failure));
}

asio::awaitable<void> guard_proxy::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  tasks_.cancel();
  for (auto& one : connections_) one.close();
  co_await tasks_.join();
}

asio::awaitable<void> guard_proxy::accept() {
  while (acceptor_.is_open()) {
    auto [failed, socket] = co_await acceptor_.async_accept(as_result);
    if (failed == asio::error::operation_aborted || !acceptor_.is_open()) co_return;
    if (failed) {
      // Out of descriptors, most likely: waits for some to come back instead of spinning.
      spdlog::warn("cannot accept the browser's connection: {}", failed.message());
      asio::steady_timer pause(loop_, std::chrono::milliseconds(200));
      co_await pause.async_wait(as_result);
      continue;
    }
    if (!make_room()) continue;
    const auto which = connections_.emplace(connections_.end(), std::move(socket), guard_, passes_, limits_);
    tasks_.spawn("guarded connection", serve(which));
  }
}

/// At the limit the oldest connection without a pass is given up; false where all have one.
bool guard_proxy::make_room() {
  const auto open = [](const guard_connection& one) { return one.is_open(); };
  const auto held = std::count_if(connections_.begin(), connections_.end(), open);
  if (static_cast<std::size_t>(held) < limits_.max_connections) return true;
  const auto oldest = std::find_if(connections_.begin(), connections_.end(),
                                   [&](const guard_connection& one) { return open(one) && !one.admitted(); });
  if (oldest == connections_.end()) return false;
  oldest->close();
  return true;
}

asio::awaitable<void> guard_proxy::serve(std::list<guard_connection>::iterator which) {
  struct remove_at_end {
    std::list<guard_connection>& list;
    std::list<guard_connection>::iterator it;
    ~remove_at_end() { list.erase(it); }
  } const removal{connections_, which};
  co_await which->serve();
}

}  // namespace catwalk::scrape
