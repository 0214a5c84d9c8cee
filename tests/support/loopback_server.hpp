#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace catwalk::testing {

/// A small HTTP/1.1 server on 127.0.0.1 with a thread of its own, which answers as a test says: also late,
/// slowly or not to the end. Keeps connections alive. Requests are handled concurrently; handlers run on the
/// server's thread.
class loopback_server {
 public:
  struct request {
    std::string method, target, body;
    std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
    int connection = 0;                                        ///< its number, from 1
    std::optional<std::string> header(std::string_view lower_case_name) const;
  };
  struct reply {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::chrono::milliseconds delay{0};       ///< before the first byte
    std::size_t drip_bytes = 0;               ///< 0: the body in one piece; else pieces of this size …
    std::chrono::milliseconds drip_every{0};  ///< … with this pause after each
    std::optional<std::size_t> announced;     ///< Content-Length where it is to differ from the body's
    bool chunked = false;                     ///< no Content-Length; chunks as the pieces are
    bool close = false;                       ///< drop the connection after the body, without a last chunk
    std::string raw;  ///< when set: these bytes instead of everything above but `delay`
  };
  using handler = std::function<reply(const request&)>;

  explicit loopback_server(handler answer);
  ~loopback_server();
  loopback_server(const loopback_server&) = delete;
  loopback_server& operator=(const loopback_server&) = delete;

  std::uint16_t port() const noexcept;
  /// "127.0.0.1:PORT"
  std::string endpoint() const;
  /// "http://127.0.0.1:PORT" + path; `host` replaces the address.
  std::string at(std::string_view path, std::string_view host = "127.0.0.1") const;
  /// What came so far.
  std::vector<request> requests() const;
  std::size_t connections() const;
  /// Waits until no more connections than these are open; false where `time` was too short.
  bool wait_for_open_connections(std::size_t at_most, std::chrono::milliseconds time) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// gzip data of `text`, for answers with "Content-Encoding: gzip".
std::string gzip(std::string_view text);

}  // namespace catwalk::testing
