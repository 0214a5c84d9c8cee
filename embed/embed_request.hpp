#pragma once
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/embedding.hpp"
#include "core/error.hpp"
#include "embed/encoder.hpp"

namespace catwalk::embed {

/// What a coroutine sleeps on until a worker's word reaches the loop. The coroutine owns it; everybody else
/// holds a weak pointer and locks it on the loop alone, so that neither a cancelled coroutine nor a stopped
/// loop is touched.
struct embed_reply {
  explicit embed_reply(const boost::asio::any_io_executor& loop)
      : timer(loop, boost::asio::steady_timer::time_point::max()) {}

  void wake() {
    ready = true;
    timer.cancel();
  }

  boost::asio::steady_timer timer;  ///< never expires; cancelling it wakes the coroutine
  bool ready = false;
  std::optional<result<embedding>> answer;
};

/// One image on its way through the pool. It belongs to one stage at a time; only `cancelled` is shared.
struct embed_request {
  std::uint64_t id = 0;
  std::string bytes;  ///< as fetched; given back once decoded
  std::string name;   ///< address or file, for errors
  picture_view view;
  lane who = lane::bulk;
  steady_time expires = steady_time::max();
  std::vector<std::uint8_t> pixels;  ///< [3, size, size] once prepared
  bool scaled = false;               ///< they come from a picture that was decoded at a smaller scale
  std::atomic<bool> cancelled = false;
  std::weak_ptr<embed_reply> reply;
};
using request_ptr = std::shared_ptr<embed_request>;

}  // namespace catwalk::embed
