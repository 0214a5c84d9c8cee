#include "daemon/reload_endpoint.hpp"

#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "daemon/http_error.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

void add_reload_route(http_router& router, std::function<result<std::vector<std::string>>()> reload) {
  const auto answer = [reload = std::move(reload)](const http_server_request&,
                                                   const path_values&) -> asio::awaitable<http_reply> {
    const auto changes = reload();
    if (!changes) {
      auto reply = error_reply(changes.error());
      reply.status = 400;
      co_return reply;
    }
    co_return json_reply(200, json_text({{"changes", *changes}}) + "\n");
  };
  router.add({boost::beast::http::verb::post, "/-/reload", access_policy::need::token, 0, answer, {}});
}

}  // namespace catwalk::daemon
