#include "daemon/thumbnail_endpoint.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "core/offload.hpp"
#include "core/sha256.hpp"
#include "daemon/http_error.hpp"
#include "daemon/query_parameters.hpp"
#include "daemon/static_files.hpp"
#include "embed/thumbnail.hpp"
#include "storage/catalogue_browser.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::size_t most_failures = 1000;

/// Counts for as long as it lives, and wakes whoever waits for room.
class taken_place {
 public:
  taken_place(int& count, asio::steady_timer& room) : count_(count), room_(room) { ++count_; }
  ~taken_place() {
    --count_;
    room_.cancel();
  }
  taken_place(const taken_place&) = delete;
  taken_place& operator=(const taken_place&) = delete;

 private:
  int& count_;
  asio::steady_timer& room_;
};

/// Whether asking again soon gives the same.
bool lasts(errc code) {
  return code != errc::cancelled && code != errc::queue_full && code != errc::disk_full;
}

}  // namespace

thumbnail_endpoint::thumbnail_endpoint(application& app)
    : app_(app),
      pictures_(app, most_at_once),
      cache_(app.loaded().state_dir / "thumbnails", app.settings().http.thumbnails),
      cache_thread_(asio::make_strand(app.cpu())),
      room_(app.loop(), asio::steady_timer::time_point::max()) {}

void thumbnail_endpoint::remember(const std::string& address, const error& why) {
  if (!lasts(why.code)) return;
  if (failed_.size() >= most_failures) failed_.clear();
  failed_.insert_or_assign(address, failed_picture{why, steady_now() + failure_kept});
}

asio::awaitable<result<std::string>> thumbnail_endpoint::make(std::string address) {
  while (active_ >= most_at_once) co_await room_.async_wait(asio::as_tuple(asio::use_awaitable));
  const taken_place one(active_, room_);
  auto bytes = co_await pictures_.fetch(address, true);
  if (!bytes) co_return bytes.error();
  embed::decode_limits limits;
  limits.max_pixels = static_cast<std::uint64_t>(app_.settings().fetch.images_max_pixels);
  limits.max_memory = app_.settings().embed.decode_memory;
  auto shrink = [bytes = std::move(*bytes), address, limits] {
    return embed::make_thumbnail(bytes, address, limits, {});
  };
  co_return co_await offload(app_.cpu(), std::move(shrink));
}

asio::awaitable<result<std::string>> thumbnail_endpoint::picture_of(std::string address) {
  auto look = [this, first = !std::exchange(opened_, true), address] {
    if (first) cache_.open();
    return cache_.find(address);
  };
  auto kept = co_await offload(cache_thread_, std::move(look));
  if (kept) co_return std::move(*kept);
  if (const auto found = failed_.find(address); found != failed_.end()) {
    if (steady_now() < found->second.again) co_return found->second.why;
    failed_.erase(found);
  }
  auto made = co_await make(address);
  if (!made) {
    remember(address, made.error());
    co_return made.error();
  }
  auto keep = [this, address, bytes = *made] {
    cache_.add(address, bytes);
    return bytes.size();
  };
  co_await offload(cache_thread_, std::move(keep));
  co_return std::move(*made);
}

asio::awaitable<http_reply> thumbnail_endpoint::answer(const http_server_request& request, std::string id) {
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  storage::catalogue_browser browser(app_.database());
  product_id wanted(id);
  const auto product = co_await browser.product_of(std::move(wanted));
  if (!product) co_return error_reply(product.error());
  if (!*product) co_return error_reply({errc::not_found, "no such product", id, "", ""});
  if ((*product)->item.image_url.empty())
    co_return error_reply({errc::not_found, "the product has no picture", id, "", ""});
  auto picture = co_await picture_of((*product)->item.image_url);
  if (!picture) co_return error_reply(picture.error());
  http_reply reply;
  reply.content_type = "image/webp";
  const auto tag = '"' + sha256_hex(*picture).substr(0, 24) + '"';
  reply.headers = {
      {"ETag", tag}, {"Cache-Control", "private, max-age=86400"}, {"X-Content-Type-Options", "nosniff"}};
  const auto known = request[http::field::if_none_match];
  if (names_tag({known.data(), known.size()}, tag))
    reply.status = 304;
  else
    reply.body = std::move(*picture);
  co_return reply;
}

void thumbnail_endpoint::add_to(http_router& router) {
  router.add({http::verb::get,
              "/api/v1/products/{id}/thumbnail",
              access_policy::need::token,
              0,
              [this](const http_server_request& request, const path_values& in) {
                return answer(request, in.at("id"));
              },
              {}});
}

}  // namespace catwalk::daemon
