#pragma once
#include <set>
#include <string>

#include "core/task_group.hpp"
#include "daemon/event_hub.hpp"
#include "daemon/http_router.hpp"
#include "daemon/live_status.hpp"
#include "daemon/run_under_way.hpp"

namespace catwalk::daemon {

/// `GET /api/v1/events` and `/status`: tells those who listen what the daemon does, as it happens. Looks at
/// the catalogue only while somebody listens. Loop-only; `app` outlives it.
class event_endpoints final : public run_observer {
 public:
  explicit event_endpoints(application& app);
  ~event_endpoints() override;
  void add_to(http_router& router);
  /// Says goodbye to the clients and stops looking.
  boost::asio::awaitable<void> stop();

  void run_started(const run_under_way& run) override;
  void run_ended(storage::run_id run) override;
  void site_changed(const std::string& site) override;

 private:
  boost::asio::awaitable<http_reply> listen(const http_server_request& request);
  boost::asio::awaitable<void> watch();
  boost::asio::awaitable<void> publish_run(storage::run_id run);
  boost::asio::awaitable<void> publish_sites(std::set<std::string> names);

  application& app_;
  live_status status_;
  event_hub hub_;
  boost::asio::steady_timer listened_;  ///< cancelled when somebody begins to listen
  task_group tasks_;
};

}  // namespace catwalk::daemon
