#include "daemon/api_server.hpp"

#include "daemon/catalogue_endpoints.hpp"
#include "daemon/embed_endpoints.hpp"
#include "daemon/embedded_files.hpp"
#include "daemon/event_endpoints.hpp"
#include "daemon/failure_endpoints.hpp"
#include "daemon/health_endpoints.hpp"
#include "daemon/http_router.hpp"
#include "daemon/manual_runs.hpp"
#include "daemon/openai_endpoints.hpp"
#include "daemon/query_embedder.hpp"
#include "daemon/reload_endpoint.hpp"
#include "daemon/retention.hpp"
#include "daemon/run_endpoints.hpp"
#include "daemon/session_endpoints.hpp"
#include "daemon/site_endpoints.hpp"
#include "daemon/static_files.hpp"
#include "daemon/thumbnail_endpoint.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

class api_server::parts {
 public:
  parts(application& app, api_server_options options)
      : policy({options.listen, app.settings().http.hosts, std::move(options.token)}),
        router(policy),
        embedder(app),
        pictures(app, policy, embedder),
        runs(app),
        events(app),
        sites(app, runs, events),
        products(app, embedder),
        thumbnails(app),
        server(app.loop().get_executor(), server_options(options),
               [this](const http_server_request& request) { return router.answer(request); }) {
    add_health_routes(router, app);
    add_session_routes(router, policy);
    add_prune_route(router, app);
    if (options.reload) add_reload_route(router, std::move(options.reload));
    pictures.add_to(router);
    add_openai_routes(router, app, embedder);
    events.add_to(router);
    sites.add_to(router);
    products.add_to(router);
    thumbnails.add_to(router);
    add_run_routes(router, app);
    add_failure_routes(router, app);
    add_static_routes(router, embedded_files());
  }

  /// Runs that people asked for end with the application's; then nobody is told of anything any more.
  asio::awaitable<void> stop(std::chrono::milliseconds at_most) {
    co_await runs.stop();
    co_await events.stop();
    co_await server.stop(at_most);
  }

  http_server_options server_options(const api_server_options& options) {
    http_server_options o;
    o.listen = options.listen;
    o.unix_socket = options.unix_socket;
    o.admit = [this](const http_request_head& head, const http_peer& peer) {
      return router.admit(head, peer);
    };
    return o;
  }

  access_policy policy;
  http_router router;
  query_embedder embedder;
  embed_endpoints pictures;
  manual_runs runs;
  event_endpoints events;
  site_endpoints sites;
  catalogue_endpoints products;
  thumbnail_endpoint thumbnails;
  http_server server;
};

api_server::api_server(application& app, api_server_options options)
    : parts_(std::make_unique<parts>(app, std::move(options))) {}
api_server::~api_server() = default;

result<void> api_server::start() {
  return parts_->server.start();
}
asio::ip::tcp::endpoint api_server::local_endpoint() const {
  return parts_->server.local_endpoint();
}
asio::awaitable<void> api_server::stop(std::chrono::milliseconds at_most) {
  co_await parts_->stop(at_most);
}

}  // namespace catwalk::daemon
