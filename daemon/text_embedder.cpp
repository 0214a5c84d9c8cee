#include "daemon/text_embedder.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "core/offload.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

text_embedder::text_embedder(embed::stored_model model, embed::text_options options)
    : model_(std::move(model)), options_(std::move(options)) {}

asio::awaitable<result<text_embedder::answer>> text_embedder::embed(std::vector<std::string> texts) {
  const auto count = texts.size();
  if (waiting_ + count > most_waiting)
    co_return error{errc::queue_full, "cannot embed text", "", "too many texts are waiting already",
                    "try again in a moment"};
  waiting_ += count;
  auto outcome = co_await embed_bulk(std::move(texts));
  waiting_ -= count;
  co_return outcome;
}

asio::awaitable<result<text_embedder::answer>> text_embedder::embed_bulk(std::vector<std::string> texts) {
  auto work = [this, texts = std::move(texts)] { return encode(texts); };
  co_return co_await offload(thread_.get_executor(), std::move(work));
}

result<text_embedder::answer> text_embedder::encode(const std::vector<std::string>& texts) {
  if (!encoder_) {
    auto opened = embed::text_encoder::open(model_, options_);
    if (!opened) return opened.error();
    encoder_ = std::move(*opened);
    spdlog::info("the text tower of model {} is ready", model_.info.name);
  }
  auto vectors = encoder_->encode(texts);
  if (!vectors) return vectors.error();
  answer made{std::move(*vectors), 0};
  for (const auto& text : texts) made.tokens += encoder_->count_tokens(text);
  return made;
}

void text_embedder::close() {
  thread_.join();
}

}  // namespace catwalk::daemon
