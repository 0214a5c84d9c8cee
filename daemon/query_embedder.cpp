#include "daemon/query_embedder.hpp"

#include "core/url.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

/// Counts for as long as it lives.
class counted {
 public:
  explicit counted(int& count) : count_(count) { ++count_; }
  ~counted() { --count_; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;

 private:
  int& count_;
};

}  // namespace

query_embedder::query_embedder(application& app) : app_(app), pictures_(app, most_at_once) {}

asio::awaitable<result<embedding>> query_embedder::embed(picture_query query, bool trusted) {
  auto* encoder = app_.encoder();
  if (encoder == nullptr)
    co_return error{errc::model_missing, "cannot embed image", "", "the model is not loaded yet",
                    "try again in a moment"};
  if (active_ >= most_at_once)
    co_return error{errc::queue_full, "cannot embed image", "", "too many queries are under way already",
                    "try again in a moment"};
  const counted one(active_);
  std::string name = query.address.empty() ? "the picture that was sent" : query.address;
  if (!query.address.empty()) {
    auto fetched = co_await fetch(std::move(query.address), trusted);
    if (!fetched) co_return fetched.error();
    query.bytes = std::move(*fetched);
  }
  const auto most = app_.settings().fetch.images.max_bytes;
  if (query.bytes.size() > most)
    co_return error{
        errc::too_large, "cannot embed image", name,
        std::to_string(query.bytes.size()) + " bytes are more than the limit of " + std::to_string(most),
        "fetch.images.max_bytes sets the limit"};
  co_return co_await encoder->encode_view(std::move(query.bytes), std::move(name), embed::lane::interactive,
                                          query.view);
}

asio::awaitable<result<void>> query_embedder::check_public(std::string address) {
  if (pictures_.on_sites_host(address)) co_return result<void>();
  auto listed = co_await app_.catalogue().lists_image(address);
  if (!listed) co_return listed.error();
  if (*listed) co_return result<void>();
  co_return error{errc::refused_address, "cannot fetch image", redacted(address),
                  "without the token only pictures of the catalogue's shops are fetched",
                  "send the picture itself, or the token"};
}

asio::awaitable<result<std::string>> query_embedder::fetch(std::string address, bool trusted) {
  if (!trusted) {
    auto permitted = co_await check_public(address);
    if (!permitted) co_return permitted.error();
  }
  co_return co_await pictures_.fetch(std::move(address), trusted);
}

}  // namespace catwalk::daemon
