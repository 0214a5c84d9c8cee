#include "daemon/http_error.hpp"

#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "core/log.hpp"

namespace catwalk::daemon {

int http_status_of(const error& e) noexcept {
  switch (e.code) {
    case errc::invalid_argument:
    case errc::malformed:
    case errc::invalid_expression:
      return 400;
    case errc::refused_address:
    case errc::robots:
      return 403;
    case errc::not_found:
      return 404;
    case errc::too_large:
      return 413;
    case errc::not_an_image:
    case errc::broken_image:
    case errc::unsupported_image:
      return 422;
    case errc::queue_full:
      return 429;
    case errc::network:
    case errc::http_status:
    case errc::blocked:
    case errc::too_many_redirects:
    case errc::remote_encoder:
      return 502;
    case errc::model_missing:
    case errc::cancelled:
    case errc::disk_full:
      return 503;
    case errc::timeout:
      return 504;
    default:
      return 500;
  }
}

http_reply problem_reply(int status, std::string_view code, std::string_view message) {
  const nlohmann::json body{{"error",
                             {{"code", code},
                              {"message", message},
                              {"type", status < 500 ? "invalid_request_error" : "server_error"}}}};
  return json_reply(status, json_text(body) + "\n");
}

http_reply error_reply(const error& e) {
  const int status = http_status_of(e);
  auto reply = problem_reply(status, name_of(e.code), concealed(e.to_string()));
  if (status == 429 || status == 503) reply.headers.emplace_back("Retry-After", status == 429 ? "1" : "5");
  return reply;
}

}  // namespace catwalk::daemon
