#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>
#include <string>

#include "core/error.hpp"

namespace catwalk::daemon {

/// `address:port` as `http.listen` writes it, `localhost` included. Error: `invalid_config`.
result<boost::asio::ip::tcp::endpoint> parse_listen(const std::string& text);

/// Binds and listens. Errors: `invalid_config`, `io` (with who could hold the port).
result<boost::asio::ip::tcp::acceptor> listen_on(const boost::asio::any_io_executor& loop,
                                                 const std::string& listen);

/// Listens on a unix socket that its owner and the group can connect to (0660). One that a killed process
/// left behind is replaced; one that is answered is an error, as is a path of more than 107 bytes (`io`).
result<boost::asio::local::stream_protocol::acceptor> listen_on(const boost::asio::any_io_executor& loop,
                                                                const std::filesystem::path& unix_socket);

}  // namespace catwalk::daemon
