#pragma once
#include <boost/asio/awaitable.hpp>

#include "core/embedding.hpp"
#include "daemon/application.hpp"
#include "daemon/picture_fetcher.hpp"
#include "daemon/picture_query.hpp"

namespace catwalk::daemon {

/// Answers people's questions for a vector, ahead of the catalogue's work: fetches the picture where only its
/// address is given (with a client of its own and the address guard), and has it embedded. Loop-only.
class query_embedder {
 public:
  /// Pictures that are held at the same time; one more is refused with `queue_full`.
  static constexpr int most_at_once = 16;

  explicit query_embedder(application& app);

  /// `trusted` false (someone without the token): only addresses on the sites' own hosts and those of the
  /// catalogue's pictures, without redirects. Errors: those of http_client and image_encoder;
  /// `model_missing` while the model loads; `refused_address`, `queue_full`, `too_large`.
  boost::asio::awaitable<result<embedding>> embed(picture_query query, bool trusted);

 private:
  boost::asio::awaitable<result<std::string>> fetch(std::string address, bool trusted);
  boost::asio::awaitable<result<void>> check_public(std::string address);

  application& app_;
  picture_fetcher pictures_;
  int active_ = 0;
};

}  // namespace catwalk::daemon
