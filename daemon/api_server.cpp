#include "daemon/api_server.hpp"

#include "daemon/embed_endpoints.hpp"
#include "daemon/health_endpoints.hpp"
#include "daemon/http_router.hpp"
#include "daemon/openai_endpoints.hpp"
#include "daemon/query_embedder.hpp"
#include "daemon/reload_endpoint.hpp"
#include "daemon/retention.hpp"
#include "daemon/session_endpoints.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

class api_server::parts {
 public:
  parts(application& app, api_server_options options)
      : policy({options.listen, app.settings().http.hosts, std::move(options.token)}),
        router(policy),
        embedder(app),
        pictures(app, policy, embedder),
        server(app.loop().get_executor(), server_options(options),
               [this](const http_server_request& request) { return router.answer(request); }) {
    add_health_routes(router, app);
    add_session_routes(router, policy);
    add_prune_route(router, app);
    if (options.reload) add_reload_route(router, std::move(options.reload));
    pictures.add_to(router);
    add_openai_routes(router, app, embedder);
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
asio::awaitable<void> api_server::stop() {
  co_await parts_->server.stop();
}

}  // namespace catwalk::daemon
