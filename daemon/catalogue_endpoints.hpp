#pragma once
#include "daemon/application.hpp"
#include "daemon/http_router.hpp"
#include "daemon/query_embedder.hpp"
#include "daemon/query_parameters.hpp"
#include "storage/product_filter.hpp"

namespace catwalk::daemon {

/// `GET /api/v1/products`, `/products/{id}`, `/facets`, and `GET` and `POST /api/v1/search`.
class catalogue_endpoints {
 public:
  /// All outlive the endpoints.
  catalogue_endpoints(application& app, query_embedder& pictures) : app_(app), pictures_(pictures) {}
  void add_to(http_router& router);

 private:
  using reply = boost::asio::awaitable<http_reply>;
  reply list(const http_server_request& request);
  reply show(const http_server_request& request, std::string id);
  reply facets(const http_server_request& request);
  reply search(const http_server_request& request);
  reply search_picture(const http_server_request& request);
  boost::asio::awaitable<result<embedding>> vector_of(std::string id);
  /// To be compared with vectors of pictures, hence under their fingerprint.
  boost::asio::awaitable<result<embedding>> vector_of_words(std::string text);
  reply nearest(embedding query, int k, storage::product_filter filter, std::string without);

  application& app_;
  query_embedder& pictures_;
};

/// `site`, `category`, `gender`, `availability`, `currency`, `min_price`, `max_price`.
storage::product_filter read_filter(query_parameters& query);

}  // namespace catwalk::daemon
