#include "core/clock.hpp"
#include "embed/remote_encoder.hpp"

namespace catwalk::embed {
namespace {

namespace asio = boost::asio;

class fallback_encoder final : public image_encoder {
 public:
  fallback_encoder(std::unique_ptr<image_encoder> first, std::unique_ptr<image_encoder> second,
                   std::function<void(const error&)> on_spared, fallback_policy::settings settings)
      : first_(std::move(first)),
        second_(std::move(second)),
        on_spared_(std::move(on_spared)),
        policy_(settings) {}

  asio::awaitable<result<embedding>> encode(std::string bytes, std::string name, lane who) override {
    return encode_view(std::move(bytes), std::move(name), who, {});
  }

  asio::awaitable<result<embedding>> encode_view(std::string bytes, std::string name, lane who,
                                                 picture_view view) override {
    if (policy_.ask_first(steady_now())) {
      auto answer = co_await first_->encode_view(bytes, name, who, view);
      if (answer || !fallback_policy::of_encoder(answer.error().code)) {
        if (answer) policy_.first_answered();
        co_return answer;
      }
      if (policy_.first_failed(steady_now()) && on_spared_) on_spared_(answer.error());
    }
    co_return co_await second_->encode_view(std::move(bytes), std::move(name), who, view);
  }

  const model_info& model() const noexcept override { return first_->model(); }

  encoder_stats stats() const noexcept override {
    auto s = first_->stats();
    const auto other = second_->stats();
    s.images_done += other.images_done;
    s.images_failed = other.images_failed;
    s.batches += other.batches;
    s.queue_items += other.queue_items;
    s.queue_bytes += other.queue_bytes;
    s.unanswered += other.unanswered;
    s.forward_seconds += other.forward_seconds;
    return s;
  }

  void close() override {
    first_->close();
    second_->close();
  }

 private:
  std::unique_ptr<image_encoder> first_, second_;
  std::function<void(const error&)> on_spared_;
  fallback_policy policy_;
};

}  // namespace

std::unique_ptr<image_encoder> make_fallback_encoder(std::unique_ptr<image_encoder> first,
                                                     std::unique_ptr<image_encoder> second,
                                                     std::function<void(const error&)> on_spared,
                                                     fallback_policy::settings settings) {
  return std::make_unique<fallback_encoder>(std::move(first), std::move(second), std::move(on_spared),
                                            settings);
}

}  // namespace catwalk::embed
