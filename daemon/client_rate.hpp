#pragma once
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/clock.hpp"

namespace catwalk::daemon {

/// How often a client may ask, by its address. No I/O, no clock.
///
/// A token bucket for each client, kept as the one number that it comes to (the "theoretical arrival time" of
/// the generic cell rate algorithm, ITU-T I.371). The clients that asked last are remembered; who was
/// forgotten had a full bucket or was one of too many.
class client_rate {
 public:
  struct limits {
    std::chrono::milliseconds every{1000};  ///< one request in this time, in the long run
    int burst = 20;                         ///< so many at once after a pause
    std::size_t clients = 10'000;           ///< remembered at most
  };
  explicit client_rate(limits l) : limits_(l) {}

  /// nullopt: let in, and counted. Else how long the client has to wait.
  std::optional<std::chrono::milliseconds> wait(const std::string& client, steady_time now);

 private:
  struct entry {
    std::string client;
    steady_time full_at;  ///< when the bucket is full again
  };
  const limits limits_;
  std::list<entry> by_age_;  ///< the latest first
  std::unordered_map<std::string, std::list<entry>::iterator> by_client_;
};

/// Who a request counts for: its address, an IPv6 one by its network of 64 bits (a household's). A request
/// from loopback that names another in `X-Forwarded-For` comes through a proxy on this machine, which wrote
/// the last entry there.
std::string client_of(const std::string& peer_address, std::string_view forwarded_for);

}  // namespace catwalk::daemon
