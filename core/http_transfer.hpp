#pragma once
#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/address_guard.hpp"
#include "core/http_client.hpp"
#include "core/url.hpp"

namespace catwalk {

/// One request on its way: libcurl's easy handle, set up for one hop at a time, with what it has received.
/// Redirects are followed here rather than by libcurl, because each hop needs a decision: which headers may
/// go to the new host, which proxy it takes, whether the address may be dialled. Loop-only; knows nothing of
/// sockets or coroutines.
///
/// Errors: as http_client. The handle must be out of its multi handle before the transfer is destroyed.
class http_transfer {
 public:
  /// `options` and `guard` must outlive the transfer.
  http_transfer(const http_client_options& options, const address_guard& guard, http_request request);
  ~http_transfer();
  http_transfer(const http_transfer&) = delete;
  http_transfer& operator=(const http_transfer&) = delete;

  /// Prepares the first hop; on success easy() is ready to be added to a multi handle.
  result<void> start();
  CURL* easy() const noexcept { return easy_; }
  std::chrono::milliseconds timeout() const noexcept { return request_.timeout; }

  /// Takes libcurl's verdict on a hop. nullopt: a redirect was followed, add easy() again. Else the outcome.
  std::optional<result<http_response>> finish(CURLcode code);

  /// The errors of a transfer that ends from outside.
  error cancelled() const;
  error timed_out() const;

 private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) noexcept;

  result<void> check_request() const;
  result<void> prepare_hop();
  void set_options();
  void set_method();
  result<void> set_proxy();
  void set_headers();
  bool take_header(std::string_view line);
  bool take_end_of_headers();
  bool take_body(std::string_view piece);
  curl_socket_t open_socket(const curl_sockaddr& address);
  bool redirects() const;
  std::optional<result<http_response>> follow_redirect();
  void end_when_slower_for(std::chrono::seconds time);
  void watch_body();  ///< from its first byte on
  error failure(errc code, std::string why, std::string hint = {}) const;
  error failure_of(CURLcode code) const;
  error refused(std::string_view address, const std::string& range) const;

  const http_client_options& options_;
  const address_guard& guard_;
  http_request request_;
  CURL* easy_;
  curl_slist* header_lines_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> words_{};
  url target_;
  std::string target_text_;
  bool through_proxy_ = false;
  int hops_ = 0;
  http_response response_;
  std::size_t header_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  bool body_began_ = false;
  bool ended_early_ = false;      // a server that ignored the range: the head is the answer
  std::optional<error> stopped_;  // what a callback stopped the transfer for
  std::optional<error> refused_;  // the guard's last refusal in this hop
  std::chrono::steady_clock::time_point began_;
};

}  // namespace catwalk
