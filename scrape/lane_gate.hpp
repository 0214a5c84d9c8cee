#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/clock.hpp"
#include "scrape/host_throttle.hpp"

namespace catwalk::scrape {

/// Who may start a request: a limit for the whole lane, one throttle per host, and first come, first served
/// at each host. No I/O: events and `now` in, a verdict out.
class lane_gate {
 public:
  using ticket = std::uint64_t;

  struct verdict {
    bool go = false;
    std::optional<steady_time> at;  ///< not yet: ask again then; nullopt: ask again after the next change
  };

  lane_gate(int concurrency, int per_host) : concurrency_(concurrency), per_host_(per_host) {}

  /// Takes a place in the host's line.
  ticket join(const std::string& host);
  /// May this one start? When it may, it has started, and the next in its line is to be asked.
  verdict ask(ticket who, steady_time now, std::chrono::milliseconds delay, double jitter);
  /// Gives the place in the line up, or ends a started request without an answer.
  void leave(ticket who, steady_time now);
  /// A started request has ended.
  void finish(ticket who, steady_time now, request_outcome outcome,
              std::optional<std::chrono::milliseconds> pause);

  int in_flight() const noexcept { return in_flight_; }
  std::size_t hosts() const noexcept { return hosts_.size(); }

 private:
  struct host_state {
    explicit host_state(int per_host) : throttle(per_host) {}
    host_throttle throttle;
    std::deque<ticket> line;
  };
  struct holder {
    std::string host;
    std::optional<steady_time> started;
  };
  void forget_idle_hosts(steady_time now);

  const int concurrency_;
  const int per_host_;
  int in_flight_ = 0;
  ticket last_ticket_ = 0;
  std::map<std::string, host_state> hosts_;
  std::unordered_map<ticket, holder> holders_;
};

}  // namespace catwalk::scrape
