#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace catwalk::scrape {

/// Unpacks a document that arrives piece by piece and may be gzip, which its first two bytes tell (names and
/// headers often do not). What is not gzip passes unchanged. Several members in a row are one document, as
/// gzip(1) has it. At most `max_bytes` come out, whatever the packed size.
class inflate_stream {
 public:
  /// `on` names the document in errors.
  inflate_stream(std::string on, std::size_t max_bytes);
  ~inflate_stream();
  inflate_stream(inflate_stream&&) noexcept;
  inflate_stream& operator=(inflate_stream&&) noexcept;

  /// Appends what `piece` unpacks to `out`. `too_large` past the limit, `malformed` where the data is
  /// damaged.
  result<void> push(std::string_view piece, std::string& out);
  /// After the last piece: `malformed` where the packed data breaks off.
  result<void> finish() const;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace catwalk::scrape
