#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

#include "core/embedding.hpp"
#include "core/error.hpp"
#include "embed/picture_view.hpp"

namespace catwalk::embed {

/// What a model is, as `catwalk model list` shows it.
struct model_info {
  std::string name;
  std::string architecture;  ///< "clip-vit-b-32"
  int dim = 0;               ///< width of a vector
  int image_size = 0;        ///< pixels on a side
  std::string fingerprint;   ///< SHA-256 of the image tower
  bool untrained = false;
  bool normalise = true;
};

/// Counters of an encoder since its start; read from any thread.
struct encoder_stats {
  std::uint64_t images_done = 0;
  std::uint64_t images_failed = 0;
  std::uint64_t batches = 0;
  std::size_t queue_items = 0;
  std::size_t queue_bytes = 0;
  std::size_t unanswered = 0;  ///< taken by this machine's workers and not answered yet
  double forward_seconds = 0;  ///< wall time spent in forward passes, summed over workers
};

/// Who waits for an answer: a person (forms a batch of its own, ahead of bulk work) or the catalogue.
enum class lane { bulk, interactive };

/// Turns image bytes into vectors: the local worker pool or a remote service. Called on the loop;
/// implementations do their work elsewhere.
class image_encoder {
 public:
  virtual ~image_encoder() = default;
  /// Suspends while the queue is full (bulk), or fails with `queue_full` (interactive). `name` is the image's
  /// address or file, for errors. Errors: `not_an_image`, `broken_image`, `unsupported_image`, `too_large`,
  /// `device`, `remote_encoder`, `cancelled`.
  virtual boost::asio::awaitable<result<embedding>> encode(std::string bytes, std::string name, lane who) = 0;
  /// As encode(), of what `view` shows of the picture.
  virtual boost::asio::awaitable<result<embedding>> encode_view(std::string bytes, std::string name, lane who,
                                                                picture_view view) = 0;
  virtual const model_info& model() const noexcept = 0;
  virtual encoder_stats stats() const noexcept = 0;
  /// Finishes what was accepted, then joins the workers. Blocks; call once, off the loop or after it stopped.
  virtual void close() = 0;
};

}  // namespace catwalk::embed
