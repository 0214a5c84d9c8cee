#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "scrape/inflate_stream.hpp"
#include "scrape/xml_stream.hpp"

namespace catwalk::scrape {

/// A list that arrives piece by piece, packed or not, and is XML or plain text: its first character tells
/// (names and headers often do not).
class list_stream {
 public:
  enum class format { unknown, xml, text };
  /// `last`: nothing follows.
  using text_reader = std::function<result<void>(std::string_view piece, bool last)>;

  /// `kind` ("feed") and `on` name the document in errors. `xml` gets the events of an XML document, `text`
  /// what is none, without its byte order mark; both outlive the stream. At most `max_bytes` are unpacked.
  list_stream(std::string kind, std::string on, std::size_t max_bytes, xml_handler& xml, text_reader text);

  /// `malformed` and `too_large`, as the parts say them; an HTML page is called one.
  result<void> push(std::string_view piece);
  /// After the last piece.
  result<void> finish();
  /// `unknown` while nothing but blanks has come.
  format form() const noexcept { return format_; }
  /// The error that says what the document is instead.
  error is_instead(const std::string& what) const;

 private:
  result<void> read(std::string_view plain, bool last);

  std::string kind_;
  std::string on_;
  inflate_stream inflate_;
  xml_handler& handler_;
  text_reader text_;
  format format_ = format::unknown;
  std::string head_;       ///< until the format is known
  std::string beginning_;  ///< to tell an HTML page
  std::optional<xml_stream> xml_;
};

}  // namespace catwalk::scrape
