#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.hpp"

namespace catwalk::daemon {

/// Puts what the service does into one line for `systemctl status`: "embedding 1,240 of 3,100, 96/s". No I/O.
class service_status {
 public:
  struct seen {
    int runs = 0;                ///< under way
    std::uint64_t embedded = 0;  ///< since the start
    std::int64_t pending = 0;    ///< pictures that still want a vector
    std::int64_t rows_waiting = 0;
    bool parked = false;                           ///< the sink wants a person
    std::optional<std::chrono::seconds> next_run;  ///< from now
  };
  std::string line(const seen& now_seen, steady_time now);

 private:
  std::uint64_t embedded_before_ = 0;  ///< when the present piece of work began
  std::optional<steady_time> began_;
};

}  // namespace catwalk::daemon
