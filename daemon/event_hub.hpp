#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <string>
#include <string_view>

#include "daemon/http_server.hpp"

namespace catwalk::daemon {

/// Server-sent events (HTML standard, 9.2) to several clients at once. A client that does not take what it is
/// sent is dropped: nobody waits for it. Loop-only.
class event_hub {
 public:
  struct limits {
    std::size_t clients = 16;
    std::size_t waiting = 64;                         ///< events that a client may be behind
    std::chrono::milliseconds heartbeat{15'000};      ///< a comment, where nothing else is sent
    std::chrono::milliseconds write_timeout{10'000};  ///< for one event to be taken
  };
  event_hub(const boost::asio::any_io_executor& loop, limits l);

  bool full() const noexcept { return clients_.size() >= limits_.clients; }
  std::size_t clients() const noexcept { return clients_.size(); }

  /// Queues an event for every client. `data` is one line. One that `replaces` takes the place of a waiting
  /// event of the same name: only the latest matters.
  void publish(std::string_view name, std::string_view data, bool replaces = false);
  /// Serves one client until it goes, is dropped, or the hub is closed. `first`: what it gets at once, as
  /// event() makes it.
  boost::asio::awaitable<void> serve(http_stream& to, std::string first);
  /// Says goodbye to all, lets no further client in, and waits for them to be served, at most this long.
  boost::asio::awaitable<void> close(std::string_view reason, std::chrono::milliseconds at_most);

  /// "event: NAME\ndata: DATA\n\n"
  static std::string event(std::string_view name, std::string_view data);

 private:
  struct waiting_event {
    std::string name, text;
  };
  struct client {
    explicit client(const boost::asio::any_io_executor& loop) : wake(loop) {}
    std::deque<waiting_event> waiting;
    bool ends = false;
    boost::asio::steady_timer wake;  ///< cancelled when there is something to send
  };
  void end(client& c, std::string_view reason);

  boost::asio::any_io_executor loop_;
  const limits limits_;
  std::list<client> clients_;
  bool closed_ = false;
  std::string closing_words_;
  boost::asio::steady_timer empty_;  ///< cancelled when the last client has gone
};

}  // namespace catwalk::daemon
