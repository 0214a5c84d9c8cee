#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "daemon/demo_shop/garment.hpp"
#include "daemon/http_server.hpp"

namespace catwalk::daemon {

/// What goes wrong at the demo shop, and where.
struct shop_fault {
  enum class kind { forbidden, too_many_requests, slow, truncated, huge, html };
  kind what{};
  std::string path_prefix;  ///< "/photos/"; empty: everywhere
  int every = 1;            ///< each n-th matching request
  int remaining = -1;       ///< how often; -1: until cleared
};

struct demo_shop_options {
  std::string listen = "127.0.0.1:0";
  int products = 300;
  std::uint32_t seed = 1;
};

/// An invented shop in one server: two thirds of its products as a JSON shop in Zara's format ("Atelier
/// Nord"), one third as a Shopify shop ("Mira"), all of them also as HTML pages with JSON-LD and a sitemap;
/// pictures as JPEG, PNG and WebP. Serves `catwalk demo`, the tests and the benchmarks. Loop-only.
///
/// Faults are switched on with `POST /__faults` (a JSON array of `{"kind","path","every","count"}`, kinds
/// `403`, `429`, `slow`, `truncated`, `huge`, `html`); an empty array clears them. `GET /__requests` counts
/// requests by first path segment.
class demo_shop {
 public:
  demo_shop(boost::asio::any_io_executor loop, boost::asio::any_io_executor cpu, demo_shop_options options);
  ~demo_shop();

  result<void> start();
  boost::asio::awaitable<void> stop();

  /// "http://127.0.0.1:41234"
  std::string origin() const;
  /// "127.0.0.1:41234"
  std::string endpoint() const;
  /// A sites file for it.
  std::string sites_yaml() const;
  const std::vector<garment>& garments() const noexcept { return garments_; }
  /// Draws every picture beforehand, so that serving them costs nothing.
  void render_all();

 private:
  boost::asio::awaitable<http_reply> answer(const http_server_request& request);
  boost::asio::awaitable<http_reply> picture(std::string path);
  std::optional<http_reply> page(std::string_view path, std::string_view query);
  boost::asio::awaitable<http_reply> with_fault(shop_fault::kind what, http_reply reply);
  std::optional<shop_fault::kind> next_fault(std::string_view path);
  http_reply set_faults(const std::string& body);

  boost::asio::any_io_executor loop_, cpu_;
  demo_shop_options options_;
  std::vector<garment> garments_;
  std::map<std::string, std::size_t> by_picture_;
  std::map<std::string, std::shared_ptr<const std::string>> drawn_;
  std::vector<shop_fault> faults_;
  std::map<std::string, int> matched_;   ///< by fault's path: requests so far
  std::map<std::string, int> requests_;  ///< by first path segment
  http_server server_;
};

}  // namespace catwalk::daemon
