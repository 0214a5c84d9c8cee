#include "scrape/inflate_stream.hpp"

#include <zlib.h>

#include <array>
#include <optional>
#include <utility>

namespace catwalk::scrape {

class inflate_stream::impl {
 public:
  impl(std::string on, std::size_t max_bytes) : on_(std::move(on)), left_(max_bytes), limit_(max_bytes) {}
  ~impl() {
    if (started_) inflateEnd(&state_);
  }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  result<void> push(std::string_view piece, std::string& out) {
    if (!packed_) {
      // A document of one byte so far says nothing yet.
      head_.append(piece);
      if (head_.size() < 2) return {};
      packed_ = head_.starts_with("\x1f\x8b");
      const std::string first = std::exchange(head_, {});
      return *packed_ ? unpack(first, out) : pass(first, out);
    }
    return *packed_ ? unpack(piece, out) : pass(piece, out);
  }

  result<void> finish() const {
    if (packed_.value_or(false) && !ended_) return failure(errc::malformed, "the gzip data breaks off");
    return {};
  }

 private:
  error failure(errc code, std::string why) const { return {code, "cannot unpack", on_, std::move(why), ""}; }

  error bomb() const {
    return failure(errc::too_large, "it has more than " + std::to_string(limit_) + " bytes unpacked");
  }

  result<void> pass(std::string_view piece, std::string& out) {
    if (piece.size() > left_) return bomb();
    left_ -= piece.size();
    out.append(piece);
    return {};
  }

  result<void> unpack(std::string_view piece, std::string& out) {
    std::array<char, 65536> block;
    // zlib reads through a pointer to non-const for C's sake.
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    state_.avail_in = static_cast<uInt>(piece.size());
    for (;;) {
      if (ended_) {
        // Another member, or padding that gzip(1) ignores too.
        if (state_.avail_in == 0 || *state_.next_in != 0x1f) return {};
        inflateReset(&state_);
        ended_ = false;
      }
      if (!started_) {
        constexpr int gzip_alone = 16 + MAX_WBITS;
        if (inflateInit2(&state_, gzip_alone) != Z_OK) return failure(errc::internal, "zlib does not start");
        started_ = true;
      }
      state_.next_out = reinterpret_cast<Bytef*>(block.data());
      state_.avail_out = static_cast<uInt>(block.size());
      const int ended = inflate(&state_, Z_NO_FLUSH);
      const std::size_t made = block.size() - state_.avail_out;
      if (made > left_) return bomb();
      left_ -= made;
      out.append(block.data(), made);
      if (ended == Z_STREAM_END) {
        ended_ = true;
      } else if (ended == Z_BUF_ERROR || (ended == Z_OK && state_.avail_in == 0 && state_.avail_out > 0)) {
        return {};
      } else if (ended != Z_OK) {
        return failure(errc::malformed,
                       std::string("the gzip data is damaged: ") + (state_.msg ? state_.msg : "bad header"));
      }
    }
  }

  std::string on_;
  std::string head_;
  std::optional<bool> packed_;
  z_stream state_{};
  bool started_ = false;
  bool ended_ = false;
  std::size_t left_;
  std::size_t limit_;
};

inflate_stream::inflate_stream(std::string on, std::size_t max_bytes)
    : impl_(std::make_unique<impl>(std::move(on), max_bytes)) {}
inflate_stream::~inflate_stream() = default;
inflate_stream::inflate_stream(inflate_stream&&) noexcept = default;
inflate_stream& inflate_stream::operator=(inflate_stream&&) noexcept = default;

result<void> inflate_stream::push(std::string_view piece, std::string& out) {
  return impl_->push(piece, out);
}

result<void> inflate_stream::finish() const {
  return impl_->finish();
}

}  // namespace catwalk::scrape
