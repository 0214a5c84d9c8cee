#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "embed/encoder.hpp"
#include "embed/models.hpp"

namespace catwalk::embed {

struct pool_options {
  std::string device = "auto";     ///< auto | cpu | cuda:N
  std::string precision = "auto";  ///< auto | fp32 | bf16 | int8 | fp16 (CUDA only)
  std::optional<int> threads;      ///< forward workers x intra-op threads; nullopt: the cores, as measured
  std::optional<int> batch = 32;   ///< nullopt: as measured
  std::filesystem::path measurements;  ///< the file that keeps what was measured; empty: none
  bool measure = false;                ///< where nothing is kept for this machine and model
  std::chrono::milliseconds batch_wait{20};
  std::size_t queue_items = 256;
  std::size_t queue_bytes = 128'000'000;
  std::uint64_t max_pixels = 40'000'000;
  std::size_t decode_memory = 256'000'000;
  std::string decode = "exact";  ///< exact | fast: as decode_image_for() does, but for cut-outs
  std::chrono::milliseconds query_timeout{
      30'000};  ///< an interactive image that waited longer ends as `timeout`
};

/// Loads the model and starts decoders and forward workers. Takes seconds, and with `measure` a second or two
/// more the first time: call it off the loop. Completions
/// are posted to `loop`. Errors: `model_invalid`, `device`, `invalid_config` (a precision that the device
/// cannot do fast). On a GPU each worker has pinned memory and a stream of its own.
result<std::unique_ptr<image_encoder>> make_worker_pool(boost::asio::any_io_executor loop,
                                                        const stored_model& model,
                                                        const pool_options& options);

}  // namespace catwalk::embed
