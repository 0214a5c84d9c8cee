#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "core/address_guard.hpp"
#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "core/url.hpp"
#include "scrape/browser_request_rule.hpp"
#include "scrape/devtools_connection.hpp"
#include "scrape/visit_plan.hpp"

namespace catwalk::scrape {

/// What the visits of one site share.
struct visit_surroundings {
  boost::asio::any_io_executor loop;
  std::shared_ptr<devtools_connection> devtools;
  std::string context;  ///< the browser context: cookies and proxy
  std::string site;     ///< for logs
  const address_guard* guard;
  bool guarded = true;
  std::function<bool(const url&)> by_proxy;  ///< whether a proxy is asked for an address
  bool insecure_tls = false;
  std::string proxy_user, proxy_password;                       ///< empty: the proxy asks for none
  std::optional<boost::asio::ip::tcp::endpoint> guard_proxy{};  ///< where it is between browser and world
  /// Hosts by `name:port`: why not, or an empty text. Kept for a minute.
  struct judged_host {
    std::string refusal;
    steady_time at{};
  };
  std::map<std::string, judged_host> hosts{};
  std::map<std::string, error> guard_failures{};  ///< what the guard proxy said last, by `name:port`
  std::set<std::string> refusals_told{};
};

/// One page in a tab of its own: opens it, lets its requests through or not, looks at it until it is done,
/// takes its DOM, closes the tab. Loop-only.
class browser_visit : public std::enable_shared_from_this<browser_visit> {
 public:
  /// `surroundings` outlives the visit's run(); events that come later are dropped.
  browser_visit(visit_surroundings& surroundings, const http_request& page, std::string wait_for);
  browser_visit(const browser_visit&) = delete;
  browser_visit& operator=(const browser_visit&) = delete;

  /// The page, as page_renderer::render gives it. Once.
  boost::asio::awaitable<result<http_response>> run();

 private:
  using json = nlohmann::json;

  class tab;
  boost::asio::awaitable<result<void>> open();
  boost::asio::awaitable<result<void>> navigate();
  boost::asio::awaitable<result<http_response>> watch();
  boost::asio::awaitable<result<void>> look();
  boost::asio::awaitable<result<http_response>> take();
  boost::asio::awaitable<result<json>> evaluate(std::string script);
  std::chrono::milliseconds left() const;

  void on_event(const std::string& method, const json& params);
  void on_request_paused(const json& params);
  void on_response(const json& params);
  void on_auth(const json& params);
  void settle(const std::string& request, const browser_request& asked,
              const browser_request_rule::decision& decision, const json& headers);
  void resolve(const std::string& request, const browser_request& asked,
               const browser_request_rule::decision& decision, const json& headers);
  void refuse(const std::string& request, const browser_request& asked, errc code, const std::string& why);
  std::optional<error> guard_failure() const;
  json headers_for(const browser_request& asked, const json& headers) const;
  void send(const std::string& method, json params);
  void fail(errc code, const std::string& why);

  visit_surroundings& around_;
  http_request page_;
  std::string wait_for_;
  std::string shown_;  ///< the address for logs and errors
  std::string host_;   ///< host_key of the page: the site's own headers go there alone
  visit_plan plan_;
  browser_request_rule rule_;
  boost::asio::steady_timer wake_;
  boost::asio::ip::tcp::resolver resolver_;
  std::string target_, session_, frame_;
  std::string asked_;  ///< `name:port` that the page itself was last asked from
  std::set<std::string> in_flight_;
  std::size_t received_ = 0;  ///< bytes, of all responses
  std::optional<error> failure_;
  http_response document_;
  bool done_ = false;
};

}  // namespace catwalk::scrape
