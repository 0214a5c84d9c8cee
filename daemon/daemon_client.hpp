#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "core/http_client.hpp"

namespace catwalk::daemon {

/// Where the daemon of this configuration makes its unix socket: $RUNTIME_DIRECTORY, else the state folder.
std::filesystem::path own_socket(const std::filesystem::path& state_dir);

/// Where the unix socket of this configuration's daemon may be: the state folder, $RUNTIME_DIRECTORY, and for
/// the system's configuration or state folder the service's /run/catwalk.
std::vector<std::filesystem::path> sockets_of(const config::loaded& configuration);

/// The running daemon, as a command finds it: through its unix socket (`sockets_of`), else at http.listen
/// with the token where this user may read it. Loop-only.
class daemon_client {
 public:
  daemon_client(boost::asio::any_io_executor loop, const config::loaded& configuration);
  ~daemon_client();

  /// The daemon's answer, whatever its status. `not_found` where no daemon answers, naming every place that
  /// was tried.
  boost::asio::awaitable<result<http_response>> ask(
      std::string method, std::string path, std::string body = {},
      std::chrono::milliseconds timeout = std::chrono::seconds(10));

 private:
  struct door {
    std::string name;  ///< as errors call it
    std::string base;  ///< "http://HOST:PORT"
    std::string token;
    std::unique_ptr<http_client> http;
  };
  std::vector<door> doors_;
};

}  // namespace catwalk::daemon
