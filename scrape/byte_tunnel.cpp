#include "scrape/byte_tunnel.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace catwalk::scrape {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t piece = 16UL * 1024;

}  // namespace

asio::awaitable<void> byte_tunnel::run() {
  co_await (both() || until_idle());
  close();
}

asio::awaitable<void> byte_tunnel::run_back() {
  co_await (back() || nothing_more() || until_idle());
}

asio::awaitable<void> byte_tunnel::both() {
  co_await (pass_on(near_, far_) && pass_on(far_, near_));
}

asio::awaitable<void> byte_tunnel::pass_on(socket& from, socket& to) {
  if (!co_await copy(from, to)) co_return close();
  boost::system::error_code ignored;
  to.shutdown(socket::shutdown_send, ignored);
}

asio::awaitable<void> byte_tunnel::back() {
  co_await copy(far_, near_);
}

/// False where either side broke.
asio::awaitable<bool> byte_tunnel::copy(socket& from, socket& to) {
  std::array<char, piece> buffer;
  for (;;) {
    const auto [ended, size] = co_await from.async_read_some(asio::buffer(buffer), as_result);
    if (ended) co_return ended == asio::error::eof;
    active_ = steady_now();
    const auto [unsent, written] = co_await asio::async_write(to, asio::buffer(buffer, size), as_result);
    if (unsent) co_return false;
    active_ = steady_now();
    brought_back_ = brought_back_ || &to == &near_;
  }
}

asio::awaitable<void> byte_tunnel::nothing_more() {
  std::array<char, 1> one;
  const auto [ended, size] = co_await near_.async_read_some(asio::buffer(one), as_result);
  if (ended == asio::error::eof) co_await until_idle();
}

asio::awaitable<void> byte_tunnel::until_idle() {
  asio::steady_timer timer(near_.get_executor());
  while (steady_now() - active_ < idle_) {
    timer.expires_at(active_ + idle_);
    const auto [cancelled] = co_await timer.async_wait(as_result);
    if (cancelled) co_return;
  }
}

void byte_tunnel::close() {
  boost::system::error_code ignored;
  near_.close(ignored);
  far_.close(ignored);
}

}  // namespace catwalk::scrape
