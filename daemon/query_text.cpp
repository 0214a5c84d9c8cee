#include "daemon/query_text.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/use_awaitable.hpp>

#include "core/offload.hpp"
#include "daemon/model_choice.hpp"

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

asio::awaitable<result<embedding>> query_text::embed(std::string text) {
  if (app_.settings().embed.text == "off")
    co_return error{errc::not_found, "cannot search by text", "", "embed.text is off", ""};
  if (!app_.ready())
    co_return error{errc::model_missing, "cannot search by text", "", "the daemon is still starting",
                    "try again in a moment"};
  if (active_ >= most_at_once)
    co_return error{errc::queue_full, "cannot search by text", "", "too many questions are under way already",
                    "try again in a moment"};
  const counted one(active_);
  last_used_ = steady_now();
  if (!encoder_) {
    auto load = [settings = app_.settings(),
                 models = app_.models_dir()]() -> result<std::shared_ptr<embed::text_encoder>> {
      const auto model = choose_model(settings.embed, models);
      if (!model) return model.error();
      auto opened = embed::text_encoder::open(*model, text_options_of(settings));
      if (!opened) return opened.error();
      return std::shared_ptr<embed::text_encoder>(std::move(*opened));
    };
    auto loaded = co_await offload(app_.cpu(), std::move(load));
    if (!loaded) co_return loaded.error();
    if (!encoder_) {  // another question may have been quicker
      encoder_ = std::move(*loaded);
      tasks_.spawn("release text tower", release_when_unused());
    }
  }
  auto forward = [encoder = encoder_, text = std::move(text)]() -> result<embedding> {
    auto vector = encoder->encode(text);
    // Looked for among those of pictures, hence under their fingerprint.
    if (vector) vector->fingerprint = encoder->model().info.fingerprint;
    return vector;
  };
  co_return co_await offload(app_.cpu(), std::move(forward));
}

asio::awaitable<void> query_text::release_when_unused() {
  asio::steady_timer timer(app_.loop());
  while (steady_now() < last_used_ + kept_for) {
    timer.expires_at(last_used_ + kept_for);
    co_await timer.async_wait(asio::use_awaitable);
  }
  encoder_.reset();
}

asio::awaitable<void> query_text::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace catwalk::daemon
