#pragma once
#include "daemon/client_rate.hpp"
#include "daemon/http_router.hpp"
#include "daemon/query_embedder.hpp"

namespace catwalk::daemon {

/// `POST /embed`: a picture to its vector, as the predecessor's service answered it (see picture_query).
/// `http.embed_public` opens it to those without the token, 20 requests at once and one a second from each
/// client.
class embed_endpoints {
 public:
  embed_endpoints(application& app, const access_policy& policy, query_embedder& embedder);
  void add_to(http_router& router);

 private:
  std::optional<http_reply> admit_public(const http_request_head& head, const http_peer& peer);
  boost::asio::awaitable<http_reply> answer(const http_server_request& request);

  application& app_;
  const access_policy& policy_;
  query_embedder& embedder_;
  client_rate rate_;
};

/// `{"embedding": […], "model": …, "fingerprint": …}`, each number the shortest text that reads back as the
/// same float.
std::string embedding_json(const embedding& vector);
/// The numbers alone: `[…]`.
std::string numbers_json(const std::vector<float>& values);

/// The largest body that a picture of fetch.images.max_bytes comes in: base64, and what stands around it.
std::size_t most_picture_body(const config::settings& settings);

}  // namespace catwalk::daemon
