#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "daemon/http_server.hpp"

namespace catwalk::daemon {

/// Decides who may ask. No I/O, no clock.
///
/// - `Host` must be known, so that a page elsewhere cannot reach the daemon by DNS rebinding.
/// - What is not open takes the token as `Authorization: Bearer`, or a session's cookie, on loopback too:
///   behind a proxy every caller is loopback.
/// - An `Origin` must be that of the very page that the daemon serves, or one of `hosts`; a cookie alone
///   changes nothing without one.
/// - The unix socket's file says who may come that way; nothing more is asked there.
class access_policy {
 public:
  struct settings {
    std::string listen;              ///< `http.listen`
    std::vector<std::string> hosts;  ///< `http.hosts`
    std::string token;
  };
  explicit access_policy(settings s) : settings_(std::move(s)) {}

  enum class need { nothing, token };

  /// The refusal, or nullopt where the request may be answered.
  std::optional<http_reply> refusal(const http_request_head& head, const http_peer& peer, need what,
                                    wall_time now) const;

  /// True when the text is the token.
  bool is_token(std::string_view text) const;
  const std::string& token() const noexcept { return settings_.token; }
  /// A value for the session cookie that ends at `ends`.
  std::string session(wall_time ends) const;

 private:
  bool known_host(std::string_view host) const;
  bool known_origin(std::string_view origin, std::string_view host) const;

  const settings settings_;
};

/// "127.0.0.1:9817" -> "127.0.0.1", "[::1]:9817" -> "[::1]".
std::string_view without_port(std::string_view host);

}  // namespace catwalk::daemon
