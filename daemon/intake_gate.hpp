#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace catwalk::daemon {

/// Holds one kind of intake (pages or images) back while there is a reason to: the disk is nearly full, or,
/// for pages, the outbox of a sink that is away has reached its limit. (Images go on then: a row is held
/// until its vector is there, so that without them the outbox would never drain.) Says so when it closes and
/// when it opens again. Loop-only.
class intake_gate {
 public:
  /// Why intake must pause now, in words; nullopt: it need not. Cheap: it is asked before every fetch.
  using reason_to_pause = std::function<std::optional<std::string>()>;

  /// `what` is for the log: "pages", "images".
  intake_gate(boost::asio::any_io_executor loop, std::string what, reason_to_pause why,
              std::chrono::milliseconds look_again = std::chrono::seconds(1));

  /// Asks anew. nullopt: intake may go on.
  std::optional<std::string> closed();
  /// Suspends while there is a reason to pause.
  boost::asio::awaitable<void> wait_until_open();

 private:
  boost::asio::any_io_executor loop_;
  std::string what_;
  reason_to_pause why_;
  std::chrono::milliseconds look_again_;
  bool closed_ = false;
};

}  // namespace catwalk::daemon
