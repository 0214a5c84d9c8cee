#include "daemon/http_listener.hpp"

#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "core/url.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
using asio::ip::tcp;
using local = asio::local::stream_protocol;

result<tcp::endpoint> parse_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  error e{errc::invalid_config, "cannot listen", text, "not an address with a port",
          "write it as 127.0.0.1:9817"};
  if (colon == std::string::npos) return e;
  std::string host(without_brackets(std::string_view(text).substr(0, colon)));
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(host, ec);
  const auto digits = text.substr(colon + 1);
  const bool numeric =
      !digits.empty() && digits.size() <= 5 && digits.find_first_not_of("0123456789") == std::string::npos;
  const int port = numeric ? std::stoi(digits) : -1;
  if (ec || port < 0 || port > 65535) return e;
  return tcp::endpoint(address, static_cast<std::uint16_t>(port));
}

result<tcp::acceptor> listen_on(const asio::any_io_executor& loop, const std::string& listen) {
  const auto endpoint = parse_listen(listen);
  if (!endpoint) return endpoint.error();
  tcp::acceptor acceptor(loop);
  boost::system::error_code ec;
  acceptor.open(endpoint->protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(*endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (!ec) return acceptor;
  error e{errc::io, "cannot listen", listen, ec.message(), ""};
  if (ec == asio::error::address_in_use)
    e.hint = "another program has this port: stop it, or set http.listen to another one";
  else if (ec == asio::error::access_denied)
    e.hint = "ports below 1024 need privileges: set http.listen to a higher one";
  return e;
}

result<local::acceptor> listen_on(const asio::any_io_executor& loop,
                                  const std::filesystem::path& unix_socket) {
  const auto path = unix_socket.string();
  const auto failed = [&](std::string why, std::string hint = {}) {
    return error{errc::io, "cannot listen", path, std::move(why), std::move(hint)};
  };
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() > longest)
    return failed("a unix socket's path has " + std::to_string(longest) + " bytes at most",
                  "set $RUNTIME_DIRECTORY to a shorter one");
  local::socket probe(loop);
  boost::system::error_code ec;
  probe.connect(local::endpoint(path), ec);
  if (!ec) return failed("another process answers there", "stop it first");
  if (ec == asio::error::connection_refused) {
    std::error_code ignored;
    std::filesystem::remove(unix_socket, ignored);
  }
  local::acceptor acceptor(loop);
  acceptor.open(local(), ec);
  if (!ec) acceptor.bind(local::endpoint(path), ec);
  if (!ec && ::chmod(path.c_str(), S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) != 0)
    return failed(std::strerror(errno));
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return failed(ec.message(), "check the folder's permissions");
  return acceptor;
}

}  // namespace catwalk::daemon
