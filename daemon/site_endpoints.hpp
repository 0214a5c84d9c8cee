#pragma once
#include "daemon/application.hpp"
#include "daemon/http_router.hpp"
#include "daemon/manual_runs.hpp"
#include "daemon/run_under_way.hpp"

namespace catwalk::daemon {

/// `GET /api/v1/sites`, `/sites/{name}`, `POST /sites/{name}/run`, `/pause`, `/resume`, `POST /api/v1/probe`.
class site_endpoints {
 public:
  /// What outlives the endpoints. `events` is told of what a person changes.
  site_endpoints(application& app, manual_runs& runs, run_observer& events)
      : app_(app), runs_(runs), events_(events) {}
  void add_to(http_router& router);

 private:
  using reply = boost::asio::awaitable<http_reply>;
  reply list(const http_server_request& request);
  reply show(const http_server_request& request, std::string name);
  reply run(const http_server_request& request, std::string name);
  reply pause(const http_server_request& request, std::string name, bool paused);
  reply probe(const http_server_request& request);

  application& app_;
  manual_runs& runs_;
  run_observer& events_;
  bool probing_ = false;
};

/// What `POST /sites/{name}/run` asks for; an empty body asks for nothing special.
result<run_request> read_run_order(std::string_view body);

}  // namespace catwalk::daemon
