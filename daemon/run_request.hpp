#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "daemon/site_run.hpp"

namespace catwalk::daemon {

/// What a run reads and how.
struct run_request {
  std::string job = "manual";
  std::optional<wall_time> slot;
  std::vector<std::string> sites;  ///< empty: all
  read_options read;
  /// Products that complete listings no longer hold leave the sink, or are marked, as `sync.action` says.
  bool sync = false;
  std::optional<std::int64_t> allow_deletes;  ///< the exact number that a person has permitted
  /// Of the whole run: pages, images and rows. What is not done by then is left to the image stage, the
  /// outbox and the next run. nullopt: none.
  std::optional<std::chrono::milliseconds> timeout;
  std::chrono::milliseconds sink_wait{std::chrono::minutes(5)};  ///< for the outbox, at the end
  std::function<void(storage::run_id)> on_begun;  ///< called once the run has its number; may be unset
};

}  // namespace catwalk::daemon
