#include "scrape/browser_request_rule.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <string_view>

namespace catwalk::scrape {
namespace {

constexpr std::array<std::string_view, 6> needed{"Document", "Stylesheet", "Script", "XHR", "Fetch", "Other"};

bool is_numeric(const std::string& host) {
  boost::system::error_code failed;
  boost::asio::ip::make_address(host, failed);
  return !failed;
}

}  // namespace

browser_request_rule::decision browser_request_rule::judge(const browser_request& request) {
  const bool page = request.kind == "Document" && request.of_main_frame;
  const bool inside = request.url.starts_with("data:") || request.url.starts_with("blob:");
  if (request.kind == "Document" && !page) return {verdict::block};
  if (inside && !page) return {};
  if (request.kind == "Image") return {verdict::empty_picture};
  if (request.kind == "Other" && request.url.ends_with(".ico")) return {verdict::block};
  if (std::find(needed.begin(), needed.end(), request.kind) == needed.end()) return {verdict::block};
  auto address = parse_url(request.url);
  if (address.has_error()) return {verdict::refuse, errc::refused_address, "neither http nor https"};
  if (page) {
    redirects_ = request.redirected ? redirects_ + 1 : 0;
    if (redirects_ > max_redirects_) {
      return {verdict::refuse, errc::too_many_redirects,
              "more than " + std::to_string(max_redirects_) + " redirects"};
    }
  }
  if (!guarded_) return {};
  if (auto why = guard_.check_literal(address->host, address->port))
    return {verdict::refuse, errc::refused_address, std::move(*why)};
  if (by_proxy_(*address)) return {};
  std::string_view host = address->host;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (is_numeric(std::string(host))) return {};
  return {verdict::resolve, errc::refused_address, "", std::string(host), address->port};
}

}  // namespace catwalk::scrape
