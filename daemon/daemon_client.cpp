#include "daemon/daemon_client.hpp"

#include <cstdlib>

#include "config/system_folder.hpp"
#include "core/log.hpp"
#include "daemon/token.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

constexpr const char* socket_name = "catwalk.sock";

/// systemd gives a list where a unit has several; ours has one.
std::filesystem::path runtime_directory() {
  const char* value = std::getenv("RUNTIME_DIRECTORY");
  const std::string text = value != nullptr ? value : "";
  return text.substr(0, text.find(':'));
}

}  // namespace

std::filesystem::path own_socket(const std::filesystem::path& state_dir) {
  const auto runtime = runtime_directory();
  return (runtime.empty() ? state_dir : runtime) / socket_name;
}

std::vector<std::filesystem::path> sockets_of(const config::loaded& configuration) {
  std::vector<std::filesystem::path> sockets{configuration.state_dir / socket_name};
  if (const auto runtime = runtime_directory(); !runtime.empty()) sockets.push_back(runtime / socket_name);
  // Whoever has a configuration and a state of their own does not mean the service.
  if (configuration.config_file.parent_path() == config::system_folder ||
      configuration.state_dir == config::system_state_folder)
    sockets.emplace_back(std::filesystem::path("/run/catwalk") / socket_name);
  return sockets;
}

daemon_client::daemon_client(asio::any_io_executor loop, const config::loaded& configuration) {
  const auto make = [&](std::string unix_socket) {
    http_client_options o;
    o.name = "daemon";
    o.user_agent = "catwalk/" CATWALK_VERSION;
    o.guard_addresses = false;
    o.unix_socket = std::move(unix_socket);
    return std::make_unique<http_client>(loop, std::move(o));
  };
  for (const auto& path : sockets_of(configuration)) {
    std::error_code unreachable;
    if (std::filesystem::is_socket(path, unreachable))
      doors_.push_back({path.string(), "http://localhost", "", make(path.string())});
  }
  const auto& listen = configuration.values.http.listen;
  const auto token = load_token(configuration.values.http.token, configuration.state_dir);
  if (token) conceal_in_logs(token->reveal());
  doors_.push_back({"http://" + listen, "http://" + listen, token ? token->reveal() : "", make("")});
}

daemon_client::~daemon_client() = default;

asio::awaitable<result<http_response>> daemon_client::ask(std::string method, std::string path,
                                                          std::string body,
                                                          std::chrono::milliseconds timeout) {
  std::string tried;
  for (auto& one : doors_) {
    http_request request;
    request.method = method;
    request.url = one.base + path;
    request.body = body;
    request.timeout = timeout;
    request.max_redirects = 0;
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    if (!one.token.empty()) request.headers.add("Authorization", "Bearer " + one.token);
    auto answer = co_await one.http->fetch(std::move(request));
    if (answer || answer.error().code != errc::network) co_return answer;
    tried += (tried.empty() ? "" : ", ") + one.name + " (" + answer.error().why + ")";
  }
  co_return error{errc::not_found, "no daemon answers", "", "tried " + tried,
                  "start it with `catwalk run`, or name its configuration with --config"};
}

}  // namespace catwalk::daemon
