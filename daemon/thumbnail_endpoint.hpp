#pragma once
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <string>

#include "daemon/application.hpp"
#include "daemon/http_router.hpp"
#include "daemon/picture_fetcher.hpp"
#include "daemon/thumbnail_cache.hpp"

namespace catwalk::daemon {

/// `GET /api/v1/products/{id}/thumbnail`: the picture of a product of the catalogue, small, from the cache or
/// fetched now. No other address is ever asked for. Loop-only; `app` outlives it.
class thumbnail_endpoint {
 public:
  static constexpr int most_at_once = 8;  ///< pictures that are fetched or made; who comes next waits
  static constexpr std::chrono::minutes failure_kept{
      10};  ///< before a picture that failed is asked for again

  explicit thumbnail_endpoint(application& app);
  void add_to(http_router& router);

 private:
  struct failed_picture {
    error why;
    steady_time again;
  };
  boost::asio::awaitable<http_reply> answer(const http_server_request& request, std::string id);
  boost::asio::awaitable<result<std::string>> picture_of(std::string address);
  boost::asio::awaitable<result<std::string>> make(std::string address);
  void remember(const std::string& address, const error& why);

  application& app_;
  picture_fetcher pictures_;
  thumbnail_cache cache_;
  boost::asio::any_io_executor cache_thread_;  ///< a strand of the CPU pool
  bool opened_ = false;
  int active_ = 0;
  boost::asio::steady_timer room_;  ///< cancelled when one of the active ones ends
  std::map<std::string, failed_picture> failed_;
};

}  // namespace catwalk::daemon
