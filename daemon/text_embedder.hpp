#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <string>
#include <vector>

#include "core/embedding.hpp"
#include "core/error.hpp"
#include "embed/models.hpp"
#include "embed/text_encoder.hpp"

namespace catwalk::daemon {

/// The text tower of the daemon's model, on a thread of its own. It is loaded when the first text comes (some
/// hundred MB stay unused until then). Texts are embedded in the order in which they were handed in: the
/// catalogue hands in one small batch at a time, so that a person's waits for one of those at most. Loop-only
/// but for close().
class text_embedder {
 public:
  /// Texts of people that wait or are being embedded; one more is refused with `queue_full`.
  static constexpr std::size_t most_waiting = 256;

  text_embedder(embed::stored_model model, embed::text_options options);

  struct answer {
    std::vector<embedding> vectors;  ///< in the order of the texts
    std::size_t tokens = 0;          ///< of all of them, marks of start and end included
  };
  /// A person's texts. Errors: those of text_encoder, `queue_full`.
  boost::asio::awaitable<result<answer>> embed(std::vector<std::string> texts);
  /// The catalogue's, which wait for room by handing in one batch after the other.
  boost::asio::awaitable<result<answer>> embed_bulk(std::vector<std::string> texts);

  const embed::stored_model& model() const noexcept { return model_; }
  /// Waits for what was handed in. Call after the loop has ended.
  void close();

 private:
  result<answer> encode(const std::vector<std::string>& texts);

  const embed::stored_model model_;
  const embed::text_options options_;
  std::size_t waiting_ = 0;
  std::unique_ptr<embed::text_encoder> encoder_;  ///< of the thread alone
  boost::asio::thread_pool thread_{1};
};

}  // namespace catwalk::daemon
