#include "scrape/html_encoding.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>

#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

constexpr std::size_t prescan_bytes = 4096;
constexpr std::string_view replacement = "\xEF\xBF\xBD";

struct encoding {
  std::string_view name;
  const char* iconv_name;   ///< what covers it in glibc
  std::string_view labels;  ///< others for it (Encoding standard, 4.2), with blanks around each
};

// The encodings of the standard that glibc knows. Where browsers read a superset, so does this: pages say
// iso-8859-1 and hold windows-1252's quotes.
constexpr std::array<encoding, 36> encodings{{
    {"utf-8", nullptr, " utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8 "},
    {"windows-1252", "CP1252",
     " ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
     "iso_8859-1 l1 latin1 us-ascii x-cp1252 "},
    {"iso-8859-2", "ISO-8859-2", " csisolatin2 iso8859-2 iso88592 iso_8859-2 l2 latin2 "},
    {"iso-8859-3", "ISO-8859-3", " iso8859-3 iso88593 iso_8859-3 l3 latin3 "},
    {"iso-8859-4", "ISO-8859-4", " iso8859-4 iso88594 iso_8859-4 l4 latin4 "},
    {"iso-8859-5", "ISO-8859-5", " cyrillic iso8859-5 iso88595 iso_8859-5 "},
    {"iso-8859-6", "ISO-8859-6", " arabic asmo-708 iso8859-6 iso88596 iso_8859-6 "},
    {"iso-8859-7", "ISO-8859-7", " greek greek8 iso8859-7 iso88597 iso_8859-7 "},
    {"iso-8859-8", "ISO-8859-8", " hebrew iso8859-8 iso88598 iso_8859-8 iso-8859-8-i visual logical "},
    {"iso-8859-10", "ISO-8859-10", " iso8859-10 iso885910 l6 latin6 "},
    {"iso-8859-13", "ISO-8859-13", " iso8859-13 iso885913 "},
    {"iso-8859-14", "ISO-8859-14", " iso8859-14 iso885914 "},
    {"iso-8859-15", "ISO-8859-15", " csisolatin9 iso8859-15 iso885915 iso_8859-15 l9 "},
    {"iso-8859-16", "ISO-8859-16", " "},
    {"koi8-r", "KOI8-R", " cskoi8r koi koi8 koi8_r "},
    {"koi8-u", "KOI8-U", " koi8-ru "},
    {"macintosh", "MACINTOSH", " csmacintosh mac x-mac-roman "},
    {"ibm866", "IBM866", " 866 cp866 csibm866 "},
    {"windows-874", "CP874", " dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 "},
    {"windows-1250", "CP1250", " cp1250 x-cp1250 "},
    {"windows-1251", "CP1251", " cp1251 x-cp1251 "},
    {"windows-1253", "CP1253", " cp1253 x-cp1253 "},
    {"windows-1254", "CP1254",
     " cp1254 csisolatin5 iso-8859-9 iso8859-9 iso88599 iso_8859-9 l5 latin5 x-cp1254 "},
    {"windows-1255", "CP1255", " cp1255 x-cp1255 "},
    {"windows-1256", "CP1256", " cp1256 x-cp1256 "},
    {"windows-1257", "CP1257", " cp1257 x-cp1257 "},
    {"windows-1258", "CP1258", " cp1258 x-cp1258 "},
    {"gb18030", "GB18030", " gbk chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 x-gbk "},
    {"big5", "BIG5-HKSCS", " big5-hkscs cn-big5 csbig5 x-x-big5 "},
    {"euc-jp", "EUC-JP-MS", " cseucpkdfmtjapanese x-euc-jp "},
    {"iso-2022-jp", "ISO-2022-JP", " csiso2022jp "},
    {"shift_jis", "CP932", " csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis "},
    {"euc-kr", "UHC",
     " cseuckr csksc56011987 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949 "},
    {"utf-16le", "UTF-16LE", " utf-16 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff "},
    {"utf-16be", "UTF-16BE", " unicodefffe "},
    {"utf-32le", "UTF-32LE", " utf-32 "},
}};

const encoding* encoding_by_label(std::string_view label) {
  const std::string wanted = lower_ascii(trimmed(label));
  if (wanted.empty() || wanted.find(' ') != std::string::npos) return nullptr;
  const std::string padded = ' ' + wanted + ' ';
  for (const encoding& one : encodings) {
    if (one.name == wanted || one.labels.find(padded) != std::string_view::npos) return &one;
  }
  return nullptr;
}

/// What follows `charset=` in a header or in the `content` of a meta.
std::string_view charset_in(std::string_view text) {
  const std::string lower = lower_ascii(text);
  std::size_t at = lower.find("charset");
  if (at == std::string::npos) return {};
  at = text.find_first_not_of(" \t\n\r\f", at + 7);
  if (at == std::string_view::npos || text[at] != '=') return {};
  at = text.find_first_not_of(" \t\n\r\f", at + 1);
  if (at == std::string_view::npos) return {};
  if (text[at] == '"' || text[at] == '\'') {
    // In a meta's tag the quotes may hold a whole `content`.
    const std::size_t end = text.find(text[at], at + 1);
    return end == std::string_view::npos ? std::string_view() : text.substr(at + 1, end - at - 1);
  }
  const std::size_t end = text.find_first_of(" \t\n\r\f;,\"'>/", at);
  return text.substr(at, end == std::string_view::npos ? end : end - at);
}

const encoding* encoding_by_meta(std::string_view page) {
  const std::string start = lower_ascii(page.substr(0, prescan_bytes));
  for (std::size_t at = 0; (at = start.find('<', at)) != std::string::npos; ++at) {
    if (start.compare(at, 4, "<!--") == 0) {
      at = start.find("-->", at + 4);
      if (at == std::string::npos) return nullptr;
    } else if (start.compare(at, 5, "<meta") == 0) {
      const std::size_t end = start.find('>', at);
      if (end == std::string::npos) return nullptr;
      const encoding* found = encoding_by_label(charset_in(std::string_view(start).substr(at, end - at)));
      if (!found) continue;
      // A meta that can be read byte by byte is not UTF-16, whatever it says.
      return found->name.starts_with("utf-") ? &encodings[0] : found;
    }
  }
  return nullptr;
}

struct byte_order_mark {
  std::string_view bytes;
  std::string_view name;
};
constexpr std::array<byte_order_mark, 3> marks{
    {{"\xEF\xBB\xBF", "utf-8"}, {"\xFE\xFF", "utf-16be"}, {"\xFF\xFE", "utf-16le"}}};

const byte_order_mark* mark_of(std::string_view page) {
  for (const byte_order_mark& one : marks) {
    if (page.starts_with(one.bytes)) return &one;
  }
  return nullptr;
}

const encoding& find_encoding(std::string_view page, std::string_view content_type) {
  if (const auto* mark = mark_of(page)) return *encoding_by_label(mark->name);
  if (const encoding* found = encoding_by_label(charset_in(content_type))) return *found;
  if (const encoding* found = encoding_by_meta(page)) return *found;
  return is_valid_utf8(page) ? encodings[0] : encodings[1];
}

struct converter_deleter {
  void operator()(void* converter) const { iconv_close(converter); }
};

std::string converted(std::string_view page, const encoding& from) {
  const iconv_t opened = iconv_open("UTF-8", from.iconv_name);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): iconv's own sign of failure
  if (opened == reinterpret_cast<iconv_t>(-1)) return valid_utf8(page);
  const std::unique_ptr<void, converter_deleter> converter(opened);
  std::string out;
  out.reserve(page.size() + page.size() / 2);
  std::array<char, 16'384> buffer;
  char* in = const_cast<char*>(page.data());  // iconv does not write there
  std::size_t left = page.size();
  while (left > 0) {
    char* to = buffer.data();
    std::size_t room = buffer.size();
    const std::size_t done = iconv(converter.get(), &in, &left, &to, &room);
    const int failure = errno;
    out.append(buffer.data(), buffer.size() - room);
    if (done != static_cast<std::size_t>(-1) || failure == E2BIG) continue;
    // A byte that means nothing, or a character that breaks off.
    out += replacement;
    ++in;
    --left;
  }
  return out;
}

}  // namespace

std::string encoding_of(std::string_view page, std::string_view content_type) {
  return std::string(find_encoding(page, content_type).name);
}

std::string page_as_utf8(std::string_view page, std::string_view content_type) {
  const encoding& found = find_encoding(page, content_type);
  if (const auto* mark = mark_of(page)) page.remove_prefix(mark->bytes.size());
  if (found.iconv_name) return converted(page, found);
  return is_valid_utf8(page) ? std::string(page) : valid_utf8(page);
}

}  // namespace catwalk::scrape
