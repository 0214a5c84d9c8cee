#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>

#include "core/clock.hpp"

namespace catwalk::scrape {

/// Carries bytes between two connected sockets, which outlive it. Where one side says that it will send no
/// more, the other is told so and may go on sending (half-close); one that breaks takes the other along. Ends
/// once no byte has gone either way for `idle`. Loop-only.
class byte_tunnel {
 public:
  byte_tunnel(boost::asio::ip::tcp::socket& near, boost::asio::ip::tcp::socket& far,
              std::chrono::milliseconds idle)
      : near_(near), far_(far), idle_(idle) {}

  /// Both ways, until both have ended; then both sockets are closed.
  boost::asio::awaitable<void> run();
  /// From far to near alone, until far has ended. What near sends meanwhile ends it too. Closes neither.
  boost::asio::awaitable<void> run_back();
  /// Whether any byte went from far to near.
  bool brought_back() const noexcept { return brought_back_; }

 private:
  using socket = boost::asio::ip::tcp::socket;
  boost::asio::awaitable<void> both();
  boost::asio::awaitable<void> pass_on(socket& from, socket& to);
  boost::asio::awaitable<void> back();
  boost::asio::awaitable<bool> copy(socket& from, socket& to);
  boost::asio::awaitable<void> nothing_more();
  boost::asio::awaitable<void> until_idle();
  void close();

  socket& near_;
  socket& far_;
  std::chrono::milliseconds idle_;
  steady_time active_ = steady_now();
  bool brought_back_ = false;
};

}  // namespace catwalk::scrape
