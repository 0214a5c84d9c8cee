#include "scrape/xml_stream.hpp"

#include <expat.h>
#include <iconv.h>

#include <optional>

#include "scrape/text.hpp"
#include "scrape/xml_repair.hpp"

namespace catwalk::scrape {
namespace {

constexpr int max_depth = 64;

std::string local_name(const XML_Char* name) {
  const std::string_view whole(name);
  return lower_ascii(whole.substr(whole.rfind(':') + 1));
}

/// Teaches expat an encoding of one byte a character (it knows UTF-8, UTF-16 and Latin-1).
int learn_encoding(void*, const XML_Char* name, XML_Encoding* encoding) {
  const iconv_t converter = iconv_open("UTF-32LE", name);
  if (converter == iconv_t(-1)) return XML_STATUS_ERROR;
  for (int byte = 0; byte < 256; ++byte) {
    char in = static_cast<char>(byte);
    unsigned char out[4] = {};
    char* from = &in;
    char* to = reinterpret_cast<char*>(out);
    std::size_t from_left = 1, to_left = 4;
    const bool known =
        iconv(converter, &from, &from_left, &to, &to_left) != static_cast<std::size_t>(-1) && to_left == 0;
    encoding->map[byte] = known ? out[0] | out[1] << 8 | out[2] << 16 : -1;
    iconv(converter, nullptr, nullptr, nullptr, nullptr);
  }
  iconv_close(converter);
  encoding->data = nullptr;
  encoding->convert = nullptr;
  encoding->release = nullptr;
  return XML_STATUS_OK;
}

}  // namespace

class xml_stream::impl {
 public:
  impl(std::string on, xml_handler& handler)
      : on_(std::move(on)), handler_(handler), parser_(XML_ParserCreate(nullptr)) {
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, &opened, &closed);
    XML_SetCharacterDataHandler(parser_, &text);
    XML_SetEntityDeclHandler(parser_, &entity_declared);
    XML_SetUnknownEncodingHandler(parser_, &learn_encoding, nullptr);
  }
  ~impl() { XML_ParserFree(parser_); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  result<void> push(std::string_view piece, bool last) {
    // expat counts in int; pieces are small, but nothing promises it.
    constexpr std::size_t step = 1U << 20U;
    do {
      const std::string_view part = piece.substr(0, step);
      piece.remove_prefix(part.size());
      const std::string repaired = repair_.push(part, last && piece.empty());
      const bool good = XML_Parse(parser_, repaired.data(), static_cast<int>(repaired.size()),
                                  last && piece.empty() ? XML_TRUE : XML_FALSE) == XML_STATUS_OK;
      if (refusal_) return *refusal_;
      if (!good) return broken();
    } while (!piece.empty());
    return {};
  }

 private:
  static impl& self(void* data) { return *static_cast<impl*>(data); }

  static void opened(void* data, const XML_Char* name, const XML_Char** list) {
    impl& me = self(data);
    if (++me.depth_ > max_depth)
      return me.refuse({errc::too_large, "cannot read XML", me.on_,
                        "elements are nested more than " + std::to_string(max_depth) + " deep", ""});
    xml_handler::attributes attributes;
    for (; list[0] != nullptr; list += 2) attributes.emplace_back(local_name(list[0]), list[1]);
    me.handler_.open(local_name(name), attributes);
  }
  static void closed(void* data, const XML_Char* name) {
    impl& me = self(data);
    --me.depth_;
    if (!me.refusal_) me.handler_.close(local_name(name));
  }
  static void text(void* data, const XML_Char* piece, int size) {
    impl& me = self(data);
    if (!me.refusal_) me.handler_.text({piece, static_cast<std::size_t>(size)});
  }
  static void entity_declared(void* data, const XML_Char*, int, const XML_Char*, int, const XML_Char*,
                              const XML_Char*, const XML_Char*, const XML_Char*) {
    impl& me = self(data);
    me.refuse(
        {errc::malformed, "cannot read XML", me.on_, "it declares entities, which are not expanded", ""});
  }

  void refuse(error why) {
    if (!refusal_) refusal_ = std::move(why);
    XML_StopParser(parser_, XML_FALSE);
  }
  error broken() const {
    return {errc::malformed, "cannot read XML", on_,
            "line " + std::to_string(XML_GetCurrentLineNumber(parser_)) + ": " +
                XML_ErrorString(XML_GetErrorCode(parser_)),
            ""};
  }

  std::string on_;
  xml_handler& handler_;
  XML_Parser parser_;
  xml_repair repair_;
  int depth_ = 0;
  std::optional<error> refusal_;
};

xml_stream::xml_stream(std::string on, xml_handler& handler)
    : impl_(std::make_unique<impl>(std::move(on), handler)) {}
xml_stream::~xml_stream() = default;
xml_stream::xml_stream(xml_stream&&) noexcept = default;
xml_stream& xml_stream::operator=(xml_stream&&) noexcept = default;

result<void> xml_stream::push(std::string_view piece) {
  return impl_->push(piece, false);
}

result<void> xml_stream::finish() {
  return impl_->push({}, true);
}

}  // namespace catwalk::scrape
