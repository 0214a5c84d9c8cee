#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace catwalk::scrape {

/// Takes the events of an XML document. Names come without their namespace's prefix, in lower case: shops
/// declare the wrong namespace, or none, too often for namespaces to tell anything.
class xml_handler {
 public:
  using attributes = std::vector<std::pair<std::string, std::string>>;
  virtual ~xml_handler() = default;
  virtual void open(const std::string& name, const attributes& list) = 0;
  virtual void text(std::string_view piece) = 0;
  virtual void close(const std::string& name) = 0;
};

/// Reads an XML document piece by piece, over expat, after xml_repair. Refuses documents that declare
/// entities (none of sitemaps' or feeds' does; bombs do) and elements nested more than 64 deep. The handler
/// outlives it.
class xml_stream {
 public:
  /// `on` names the document in errors.
  xml_stream(std::string on, xml_handler& handler);
  ~xml_stream();
  xml_stream(xml_stream&&) noexcept;
  xml_stream& operator=(xml_stream&&) noexcept;

  /// `malformed` with the line and the parser's words; `too_large` past a limit. What came before has been
  /// handed over.
  result<void> push(std::string_view piece);
  /// After the last piece: `malformed` where the document breaks off.
  result<void> finish();

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace catwalk::scrape
