#include "core/http_transfer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "config/letter_case.hpp"
#include "core/cookie_jar.hpp"
#include "core/proxy_choice.hpp"
#include "core/redirect_rule.hpp"

namespace catwalk {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_header_bytes = 1'000'000;
constexpr auto max_connect_time = 15'000ms;
// Below this rate for this long a transfer counts as dead: while nothing of the answer is there, where no
// time limit is nearer; within a body, for a third of the limit, since who began to answer has no reason to
// pause.
constexpr long dead_rate = 10;  // bytes per second
constexpr auto dead_time = 60s;
constexpr auto shortest_dead_time = 10s;
constexpr std::size_t usual_upload_piece = 65'536;  // libcurl's own
constexpr long long_body_piece = 1'048'576;

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f &&
           std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
  });
}

std::string in_words(std::chrono::milliseconds time) {
  if (time >= 1s && time % 1s == 0ms) return std::to_string(time / 1s) + " s";
  return std::to_string(time.count()) + " ms";
}

}  // namespace

http_transfer::http_transfer(const http_client_options& options, const address_guard& guard,
                             http_request request)
    : options_(options),
      guard_(guard),
      request_(std::move(request)),
      easy_(curl_easy_init()),
      began_(std::chrono::steady_clock::now()) {
  if (easy_ == nullptr) throw std::bad_alloc();
}

http_transfer::~http_transfer() {
  curl_easy_cleanup(easy_);  // before the cookie jar, which request_ holds
  curl_slist_free_all(header_lines_);
}

error http_transfer::failure(errc code, std::string why, std::string hint) const {
  return {code, "cannot fetch", redacted(target_text_.empty() ? request_.url : target_text_), std::move(why),
          std::move(hint)};
}

error http_transfer::cancelled() const {
  return failure(errc::cancelled, {});
}

error http_transfer::timed_out() const {
  std::string why = "no complete answer within " + in_words(request_.timeout) + ", ";
  why += response_.status == 0 ? "no status yet"
                               : "status " + std::to_string(response_.status) + " and " +
                                     std::to_string(body_bytes_) + " bytes so far";
  return failure(errc::timeout, std::move(why));
}

error http_transfer::refused(std::string_view address, const std::string& range) const {
  return failure(errc::refused_address, "the address " + std::string(address) + " is not public: " + range,
                 "fetch.allow_private_addresses permits it");
}

result<void> http_transfer::check_request() const {
  if (!is_token(request_.method))
    return failure(errc::invalid_argument, "not an HTTP method: " + request_.method);
  for (const auto& [name, value] : request_.headers.entries()) {
    if (!is_token(name)) return failure(errc::invalid_argument, "not a header name: " + name);
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != value.npos)
      return failure(errc::invalid_argument, "a line break in the value of the header " + name);
  }
  return {};
}

result<void> http_transfer::start() {
  if (auto fine = check_request(); !fine) return fine;
  auto parsed = parse_url(request_.url);
  if (!parsed) {
    error e = std::move(parsed).error();
    e.what = "cannot fetch";
    return e;
  }
  target_ = std::move(*parsed);
  set_options();
  return prepare_hop();
}

void http_transfer::set_options() {
  const auto timeout = std::max(request_.timeout, 1ms);
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);  // a DNS server that hangs must not block the loop
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, words_.data());
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::min<std::chrono::milliseconds>(timeout, max_connect_time).count()));
  // The time limit itself is the client's timer, which also counts the wait for a free connection.
  if (timeout > 2 * dead_time) end_when_slower_for(dead_time);
  if (!options_.unix_socket.empty())
    curl_easy_setopt(easy_, CURLOPT_UNIX_SOCKET_PATH, options_.unix_socket.c_str());
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, options_.insecure_tls ? 0L : 1L);
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, options_.insecure_tls ? 0L : 2L);
  if (const char* bundle = std::getenv("SSL_CERT_FILE"); bundle != nullptr && *bundle != '\0')
    curl_easy_setopt(easy_, CURLOPT_CAINFO, bundle);
  // A range counts bytes of what is transferred, so a resumed download is asked for without compression.
  if (request_.resume_from == 0)
    curl_easy_setopt(easy_, CURLOPT_ACCEPT_ENCODING, "");
  else
    curl_easy_setopt(easy_, CURLOPT_RANGE, (std::to_string(request_.resume_from) + "-").c_str());
  if (request_.cookies) {
    curl_easy_setopt(easy_, CURLOPT_SHARE, request_.cookies->handle());
    curl_easy_setopt(easy_, CURLOPT_COOKIEFILE, "");  // switches the cookie engine on; reads no file
  }
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &http_transfer::on_header);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &http_transfer::on_body);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_OPENSOCKETFUNCTION, &http_transfer::on_open_socket);
  curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, this);
}

result<void> http_transfer::prepare_hop() {
  target_text_ = target_.str();
  response_ = {};
  header_bytes_ = 0;
  body_began_ = false;
  words_.front() = '\0';
  refused_.reset();
  url on_the_wire = target_;
  on_the_wire.fragment.clear();
  curl_easy_setopt(easy_, CURLOPT_URL, on_the_wire.str().c_str());
  // parse_url resolved the dot segments already.
  curl_easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);
  set_method();
  set_headers();
  return set_proxy();
}

void http_transfer::set_method() {
  if (request_.method == "GET") {
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, nullptr);
    curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
  } else if (request_.method == "HEAD") {
    curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
  } else {
    if (request_.body.empty() && request_.method != "POST" && request_.method != "PUT" &&
        request_.method != "PATCH") {
      curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
    } else {
      curl_easy_setopt(easy_, CURLOPT_POST, 1L);
      curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request_.body.data());
      curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      // A long body in few pieces: each is a wait for the socket.
      if (request_.body.size() > usual_upload_piece)
        curl_easy_setopt(easy_, CURLOPT_UPLOAD_BUFFERSIZE, long_body_piece);
    }
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
}

void http_transfer::set_headers() {
  curl_slist_free_all(std::exchange(header_lines_, nullptr));
  const auto append = [&](const std::string& line) {
    auto* longer = curl_slist_append(header_lines_, line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    header_lines_ = longer;
  };
  request_.headers.set_default("User-Agent", options_.user_agent);
  std::string cookies;
  for (const auto& [name, value] : request_.headers.entries()) {
    if (config::equal_but_for_case(name, "Cookie")) {  // one header together with the jar's
      cookies += (cookies.empty() ? "" : "; ") + value;
    } else if (request_.resume_from != 0 && (config::equal_but_for_case(name, "Accept-Encoding") ||
                                             config::equal_but_for_case(name, "Range"))) {
      continue;
    } else {
      std::string line = name;
      if (trimmed(value).empty())
        line += ';';
      else
        line.append(": ").append(value);
      append(line);
    }
  }
  curl_easy_setopt(easy_, CURLOPT_COOKIE, cookies.empty() ? nullptr : cookies.c_str());
  if (request_.resume_from != 0) append("Accept-Encoding: identity");
  // libcurl would wait a second for a "100 Continue", and would call any body a form.
  append("Expect:");
  if (!request_.headers.find("Content-Type")) append("Content-Type:");
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, header_lines_);
}

result<void> http_transfer::set_proxy() {
  std::string proxy = request_.proxy;
  if (proxy.empty() && !exempt_from_proxy(options_.no_proxy, target_))
    proxy = target_.scheme == "https" ? options_.https_proxy : options_.http_proxy;
  // Set even when empty: unset, libcurl would read the environment.
  curl_easy_setopt(easy_, CURLOPT_PROXY, proxy.c_str());
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, "");
  through_proxy_ = !proxy.empty();
  if (through_proxy_)
    if (auto range = guard_.check_literal(target_.host, target_.port)) return refused(target_.host, *range);
  return {};
}

void http_transfer::end_when_slower_for(std::chrono::seconds time) {
  curl_easy_setopt(easy_, CURLOPT_LOW_SPEED_LIMIT, dead_rate);
  curl_easy_setopt(easy_, CURLOPT_LOW_SPEED_TIME, static_cast<long>(time.count()));
}

void http_transfer::watch_body() {
  const auto third = std::chrono::duration_cast<std::chrono::seconds>(request_.timeout / 3);
  if (third >= shortest_dead_time) end_when_slower_for(std::min<std::chrono::seconds>(third, dead_time));
}

std::size_t http_transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& transfer = *static_cast<http_transfer*>(self);
  try {
    if (transfer.take_header({data, size * count})) return size * count;
  } catch (const std::exception& e) {
    transfer.stopped_ = error{errc::internal, "cannot read an answer's headers", {}, e.what(), {}};
  }
  return size * count + 1;  // stops the transfer
}

std::size_t http_transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& transfer = *static_cast<http_transfer*>(self);
  try {
    if (transfer.take_body({data, size * count})) return size * count;
  } catch (const std::exception& e) {
    transfer.stopped_ = error{errc::internal, "cannot take an answer's body", {}, e.what(), {}};
  }
  return size * count + 1;
}

bool http_transfer::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > max_header_bytes) {
    stopped_ =
        failure(errc::too_large, "more than " + std::to_string(max_header_bytes) + " bytes of headers");
    return false;
  }
  if (body_began_) return true;     // trailers
  if (line.starts_with("HTTP/")) {  // a new head: what came before was a 1xx
    response_.headers.clear();
    response_.status = 0;
    const auto blank = line.find(' ');
    const auto code = blank == line.npos ? std::string_view() : line.substr(blank + 1, 3);
    std::from_chars(code.data(), code.data() + code.size(), response_.status);
    return true;
  }
  if (trimmed(line).empty()) return response_.status < 200 || take_end_of_headers();
  if (const auto colon = line.find(':'); colon != line.npos && line.front() != ' ' && line.front() != '\t')
    response_.headers.add(std::string(trimmed(line.substr(0, colon))),
                          std::string(trimmed(line.substr(colon + 1))));
  return true;
}

bool http_transfer::take_end_of_headers() {
  const int status = response_.status;
  if (request_.on_body && request_.resume_from != 0 && status == 200) {
    ended_early_ = true;
    return false;
  }
  if (redirects() || request_.method == "HEAD" || status == 204 || status == 304) return true;
  const auto length = response_.headers.find("Content-Length");
  const auto coding = response_.headers.find("Content-Encoding");
  if (!length || (coding && !config::equal_but_for_case(*coding, "identity"))) return true;
  std::uint64_t bytes = 0;
  const auto [end, problem] = std::from_chars(length->data(), length->data() + length->size(), bytes);
  if (problem != std::errc() || bytes <= request_.max_bytes) return true;
  stopped_ = failure(errc::too_large, "the answer announces " + std::to_string(bytes) +
                                          " bytes, the limit is " + std::to_string(request_.max_bytes));
  return false;
}

bool http_transfer::take_body(std::string_view piece) {
  if (!body_began_) watch_body();
  body_began_ = true;
  body_bytes_ += piece.size();
  if (body_bytes_ > request_.max_bytes) {
    stopped_ = failure(errc::too_large,
                       "the answer is longer than " + std::to_string(request_.max_bytes) + " bytes");
    return false;
  }
  if (redirects()) return true;
  if (!request_.on_body || response_.status < 200 || response_.status > 299) {
    response_.body.append(piece);
    return true;
  }
  auto taken = request_.on_body(piece);
  if (taken) return true;
  stopped_ = std::move(taken).error();
  return false;
}

curl_socket_t http_transfer::on_open_socket(void* self, curlsocktype, curl_sockaddr* address) noexcept {
  try {
    return static_cast<http_transfer*>(self)->open_socket(*address);
  } catch (const std::exception&) {
    return CURL_SOCKET_BAD;
  }
}

curl_socket_t http_transfer::open_socket(const curl_sockaddr& to) {
  namespace ip = boost::asio::ip;
  // A proxy is the operator's choice and may well be private; so is a unix socket.
  if (!through_proxy_ && options_.unix_socket.empty()) {
    ip::address address;
    std::uint16_t port = 0;
    if (to.family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, &to.addr, sizeof in);
      address = ip::address_v4(ntohl(in.sin_addr.s_addr));
      port = ntohs(in.sin_port);
    } else if (to.family == AF_INET6) {
      sockaddr_in6 in{};
      std::memcpy(&in, &to.addr, sizeof in);
      ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
      address = ip::address_v6(bytes, in.sin6_scope_id);
      port = ntohs(in.sin6_port);
    } else {
      return CURL_SOCKET_BAD;
    }
    if (auto range = guard_.check(address, port)) {
      refused_ = refused(endpoint_text(address, port), *range);
      return CURL_SOCKET_BAD;
    }
  }
  return ::socket(to.family, to.socktype | SOCK_CLOEXEC, to.protocol);
}

bool http_transfer::redirects() const {
  return is_redirect(response_.status) && request_.max_redirects > 0 &&
         response_.headers.find("Location").has_value();
}

std::optional<result<http_response>> http_transfer::finish(CURLcode code) {
  if (stopped_) return result<http_response>(std::move(*stopped_));
  if (code != CURLE_OK && !ended_early_) return result<http_response>(failure_of(code));
  if (redirects()) return follow_redirect();
  char* text = nullptr;
  long port = 0;
  if (curl_easy_getinfo(easy_, CURLINFO_PRIMARY_IP, &text) == CURLE_OK && text != nullptr && *text != '\0') {
    curl_easy_getinfo(easy_, CURLINFO_PRIMARY_PORT, &port);
    const std::string address = text;
    response_.remote_address =
        (address.find(':') == address.npos ? address : "[" + address + "]") + ":" + std::to_string(port);
  }
  response_.url = target_text_;
  response_.elapsed =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began_);
  return result<http_response>(std::move(response_));
}

std::optional<result<http_response>> http_transfer::follow_redirect() {
  const std::string location(*response_.headers.find("Location"));
  if (hops_ == request_.max_redirects)
    return result<http_response>(
        failure(errc::too_many_redirects, "more than " + std::to_string(request_.max_redirects) +
                                              " redirects, the next to " + redacted(location)));
  ++hops_;
  auto next = resolve(target_, location);
  if (!next)
    return result<http_response>(
        failure(errc::too_many_redirects,
                "a redirect that cannot be followed, to " + redacted(location) + ": " + next.error().why,
                "only http and https are followed"));
  if (next->fragment.empty()) next->fragment = target_.fragment;
  apply_redirect(request_, response_.status, target_, *next);
  target_ = std::move(*next);
  body_bytes_ = 0;
  if (auto ready = prepare_hop(); !ready) return result<http_response>(std::move(ready).error());
  return std::nullopt;
}

error http_transfer::failure_of(CURLcode code) const {
  std::string why = words_.front() != '\0' ? words_.data() : curl_easy_strerror(code);
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      if (refused_) return *refused_;
      return failure(errc::network, std::move(why), "check that the address is right and the server is up");
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return failure(errc::network, std::move(why), "check the spelling of the host and this machine's DNS");
    case CURLE_OPERATION_TIMEDOUT:
      return failure(errc::timeout, std::move(why));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return failure(errc::network, std::move(why),
                     "the server's certificate is not trusted: see that ca-certificates is installed and the "
                     "clock is right");
    default:
      return failure(errc::network, std::move(why));
  }
}

}  // namespace catwalk
