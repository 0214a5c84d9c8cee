#include "core/url.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <clocale>
#include <memory>
#include <optional>

#include "config/letter_case.hpp"

namespace catwalk {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) noexcept {
  return config::lower_case(c) >= 'a' && config::lower_case(c) <= 'z';
}
int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char l = config::lower_case(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool slash(char c) noexcept {
  return c == '/' || c == '\\';
}

std::uint16_t default_port(std::string_view scheme) noexcept {
  return scheme == "https" ? 443 : 80;
}

error malformed(std::string_view text, std::string why, std::string hint = {}) {
  return {errc::malformed, "cannot read the address", redacted(text), std::move(why), std::move(hint)};
}

// A percent-encode set of the WHATWG URL standard: controls, non-ASCII bytes, and a part's own characters.
class encode_set {
 public:
  consteval explicit encode_set(std::string_view own) {
    for (std::size_t byte = 0; byte < has_.size(); ++byte) has_[byte] = byte < 0x20 || byte > 0x7e;
    for (const char c : own) has_[static_cast<unsigned char>(c)] = true;
  }
  bool has(char c) const noexcept { return has_[static_cast<unsigned char>(c)]; }

 private:
  std::array<bool, 256> has_{};
};

constexpr encode_set path_set(" \"#<>?^`{}");
constexpr encode_set query_set(" \"#<>'");
constexpr encode_set fragment_set(" \"<>`");
constexpr encode_set userinfo_set(" \"#<>?^`{}/:;=@[\\]|");

void append_escaped(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += {'%', digits[byte >> 4], digits[byte & 15]};
}

void append_encoded(std::string& out, std::string_view text, const encode_set& set) {
  for (;;) {
    const auto next = std::find_if(text.begin(), text.end(), [&](char c) { return set.has(c); });
    out.append(text.begin(), next);
    if (next == text.end()) return;
    append_escaped(out, *next);
    text.remove_prefix(static_cast<std::size_t>(next - text.begin()) + 1);
  }
}

std::string encode(std::string_view text, const encode_set& set) {
  std::string out;
  out.reserve(text.size());
  append_encoded(out, text, set);
  return out;
}

// What browsers do before anything else: no controls or blanks around, no tabs and line breaks anywhere.
std::string cleaned(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  std::string out(text);
  std::erase_if(out, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
  return out;
}

// `path` with "." and ".." resolved, also where they are percent-encoded, and its bytes encoded.
std::string normalised_path(std::string_view path) {
  const auto dots = [](std::string_view segment) {
    int count = 0;
    while (!segment.empty()) {
      if (segment.starts_with('.'))
        segment.remove_prefix(1);
      else if (segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' &&
               config::lower_case(segment[2]) == 'e')
        segment.remove_prefix(3);
      else
        return 0;
      ++count;
    }
    return count;
  };
  std::string out;
  out.reserve(path.size() + 1);
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    const bool last = slash == path.npos;
    const int n = dots(segment);
    if (n == 1 || n == 2) {
      if (n == 2 && !out.empty()) out.erase(out.rfind('/'));
      if (last) out += '/';
    } else {
      out += '/';
      append_encoded(out, segment, path_set);
    }
    if (last) break;
    path.remove_prefix(slash + 1);
  }
  return out.empty() ? "/" : out;
}

// libcurl hands names to libidn2 in the encoding of LC_CTYPE; this makes it UTF-8 for the calling thread,
// whatever the process was started with.
class utf8_ctype {
 public:
  utf8_ctype() : before_(uselocale(locale())) {}
  ~utf8_ctype() { uselocale(before_); }
  utf8_ctype(const utf8_ctype&) = delete;
  utf8_ctype& operator=(const utf8_ctype&) = delete;

 private:
  static locale_t locale() {
    static const locale_t instance = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return instance;
  }
  locale_t before_;
};

struct curl_text_free {
  void operator()(char* text) const noexcept { curl_free(text); }
};
using curl_text = std::unique_ptr<char, curl_text_free>;

bool ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// A host as CURLU reads it: dotted decimals for any spelling of IPv4, checked IPv6, punycode for names.
result<std::string> curl_host(std::string_view host) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> handle(curl_url(), &curl_url_cleanup);
  const std::string address = "http://" + std::string(host) + "/";
  CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, address.c_str(), CURLU_URLENCODE);
  char* text = nullptr;
  if (code == CURLUE_OK) {
    const utf8_ctype utf8;
    code = curl_url_get(handle.get(), CURLUPART_HOST, &text, CURLU_PUNYCODE);
  }
  const curl_text owned(text);
  // CURLU calls a name that libidn2 refuses a failure of memory.
  if (code == CURLUE_OUT_OF_MEMORY && !ascii(host)) return malformed(host, "a name that DNS cannot hold");
  if (code != CURLUE_OK) return malformed(host, curl_url_strerror(code));
  return config::lower_case(text);
}

// Whether the last label is a number, so that the host must be an IPv4 address (WHATWG "ends in a number").
bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string_view label = host.substr(host.rfind('.') + 1);
  if (label.empty()) return false;
  if (std::all_of(label.begin(), label.end(), is_digit)) return true;
  if (!label.starts_with("0x")) return false;
  label.remove_prefix(2);
  return std::all_of(label.begin(), label.end(), [](char c) { return hex_value(c) >= 0; });
}

// Whether CURLU would give the host back as it is: an ordinary name in lower case, or four plain decimals.
bool is_normalised_host(std::string_view host) {
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.';
  });
  if (!plain || host.ends_with('.')) return false;
  in_addr address{};
  return !ends_in_number(host) || inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

result<std::string> normalised_host(std::string_view written) {
  if (written.empty()) return malformed(written, "no host");
  if (is_normalised_host(written)) return std::string(written);
  if (written.front() == '[') {
    // CURLU would take "%" for a zone, which no address on a page has.
    if (written.find('%') != written.npos) return malformed(written, "not an IPv6 address");
    return curl_host(written);
  }
  std::string host = percent_decode(written);
  // Ideographic full stops separate labels too (UTS 46); libidn2 maps them, but CURLU looks for IPv4 before
  // that.
  if (host.find_first_of(std::string_view(" \t\n\r#/:<>?@[\\]^|%\0", 18)) != host.npos ||
      std::any_of(host.begin(), host.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return malformed(written, "a character that no host has");
  auto name = curl_host(host);
  if (!name) return name;
  if (!ascii(host)) {
    // What libidn2 mapped may be an IPv4 address now, or a character that CURLU would take for more than
    // itself.
    if (name->find('%') != name->npos) return malformed(written, "a character that no host has");
    name = curl_host(*name);
  }
  if (!name || !ends_in_number(*name)) return name;
  if (name->ends_with('.')) {
    name->pop_back();
    name = curl_host(*name);
  }
  // CURLU leaves as a name what overflows; inet_pton takes four plain decimals alone.
  in_addr address{};
  if (name && inet_pton(AF_INET, name->c_str(), &address) != 1)
    return malformed(written, "not an IPv4 address");
  return name;
}

// "user:password@host:port" into `out`.
result<void> read_authority(std::string_view authority, url& out) {
  if (const auto at = authority.rfind('@'); at != authority.npos) {
    const auto info = authority.substr(0, at);
    const auto colon = info.find(':');
    out.userinfo = encode(info.substr(0, colon), userinfo_set);
    if (colon != info.npos && colon + 1 < info.size())
      out.userinfo += ":" + encode(info.substr(colon + 1), userinfo_set);
    authority.remove_prefix(at + 1);
  }
  std::string_view host = authority, port;
  const auto bracket = authority.find(']');
  if (const auto colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
      colon != authority.npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  out.port = default_port(out.scheme);
  if (!port.empty()) {
    unsigned number = 0;
    const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (problem != std::errc() || end != port.data() + port.size() || number > 65535)
      return malformed(authority, "a port that is none");
    out.port = static_cast<std::uint16_t>(number);
  }
  auto name = normalised_host(host);
  if (!name) return std::move(name).error();
  out.host = std::move(*name);
  return {};
}

// "path?query#fragment" into `out`; `path` stays where the text has none.
void read_rest(std::string_view rest, url& out, std::string_view directory) {
  if (const auto hash = rest.find('#'); hash != rest.npos) {
    out.fragment = encode(rest.substr(hash + 1), fragment_set);
    rest = rest.substr(0, hash);
  }
  if (const auto mark = rest.find('?'); mark != rest.npos) {
    out.query = encode(rest.substr(mark + 1), query_set);
    rest = rest.substr(0, mark);
  }
  std::string path;
  if (rest.empty() || !slash(rest.front())) path = directory;
  path += rest;
  std::replace(path.begin(), path.end(), '\\', '/');
  out.path = normalised_path(path);
}

// The scheme of an address, in lower case, or nullopt where the text has none.
std::optional<std::string> scheme_of(std::string_view text) {
  if (text.empty() || !is_alpha(text.front())) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ':') return config::lower_case(text.substr(0, i));
    if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') return std::nullopt;
  }
  return std::nullopt;
}

// What follows "scheme:", however many slashes precede the authority.
result<url> read_after_scheme(std::string scheme, std::string_view rest) {
  while (!rest.empty() && slash(rest.front())) rest.remove_prefix(1);
  const auto end = std::min(rest.find_first_of("/\\?#"), rest.size());
  url out;
  out.scheme = std::move(scheme);
  if (auto read = read_authority(rest.substr(0, end), out); !read) return std::move(read).error();
  read_rest(rest.substr(end), out, "/");
  return out;
}

// Whether parse_url(text)->without_fragment() is `text`; false also where that is not plain to see.
bool is_normalised(std::string_view text) {
  const std::string_view scheme = text.starts_with("https://") ? "https://" : "http://";
  if (!text.starts_with(scheme)) return false;
  text.remove_prefix(scheme.size());
  const auto slash = std::min(text.find('/'), text.size());
  if (slash == 0 || slash == text.size() || !is_normalised_host(text.substr(0, slash))) return false;
  text.remove_prefix(slash);
  const auto mark = text.find('?');
  const auto path = text.substr(0, mark);
  const auto query = mark == text.npos ? std::string_view() : text.substr(mark + 1);
  if (mark != text.npos && query.empty()) return false;
  if (std::any_of(query.begin(), query.end(), [](char c) { return query_set.has(c); })) return false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path_set.has(path[i]) || path[i] == '\\') return false;
    // A segment of dots, which may be written as "%2e".
    if (i > 0 && path[i - 1] == '/' && (path[i] == '.' || path[i] == '%')) return false;
  }
  return true;
}

}  // namespace

std::string url::without_fragment() const {
  std::string text = scheme + "://" + host;
  if (port != default_port(scheme)) text += ":" + std::to_string(port);
  text += path;
  if (!query.empty()) text += "?" + query;
  return text;
}

std::string url::str() const {
  std::string text = without_fragment();
  if (!userinfo.empty()) text.insert(scheme.size() + 3, userinfo + "@");
  if (!fragment.empty()) text += "#" + fragment;
  return text;
}

result<url> parse_url(std::string_view text) {
  const std::string clean = cleaned(text);
  auto scheme = scheme_of(clean);
  if (!scheme) return malformed(text, "no scheme", "an address begins with http:// or https://");
  if (*scheme != "http" && *scheme != "https")
    return malformed(text, "the scheme is " + *scheme, "only http and https are fetched");
  const auto rest = std::string_view(clean).substr(scheme->size() + 1);
  return read_after_scheme(std::move(*scheme), rest);
}

result<std::string> normalised_url(std::string text) {
  if (is_normalised(text)) return result<std::string>(boost::system::in_place_value, std::move(text));
  const auto read = parse_url(text);
  if (!read) return read.error();
  return read->without_fragment();
}

result<url> resolve(const url& base, std::string_view relative) {
  const std::string clean = cleaned(relative);
  std::string_view rest = clean;
  if (auto scheme = scheme_of(clean)) {
    const auto after = rest.substr(scheme->size() + 1);
    // "http:path" on an http page is relative, a relic that browsers keep.
    if (*scheme != base.scheme ||
        (!after.empty() && slash(after.front()) && after.size() > 1 && slash(after[1])))
      return parse_url(clean);
    rest = after;
  }
  if (rest.size() >= 2 && slash(rest[0]) && slash(rest[1])) return read_after_scheme(base.scheme, rest);
  url out = base;
  out.fragment.clear();
  if (rest.empty()) return out;
  if (rest.front() == '#') {
    out.fragment = encode(rest.substr(1), fragment_set);
    return out;
  }
  if (rest.front() == '?') {
    const std::string path = out.path;
    out.query.clear();
    read_rest(rest, out, "/");
    out.path = path;
    return out;
  }
  out.query.clear();
  read_rest(rest, out, base.path.substr(0, base.path.rfind('/') + 1));
  return out;
}

result<std::string> resolve_url(std::string_view base, std::string_view relative) {
  auto page = parse_url(base);
  if (!page) return std::move(page).error();
  auto found = resolve(*page, relative);
  if (!found) return std::move(found).error();
  return found->str();
}

std::string host_of(std::string_view address) {
  const auto parsed = parse_url(address);
  return parsed ? parsed->host : std::string();
}

std::string host_key(const url& address) {
  return address.scheme + "://" + host_and_port(address);
}

std::string host_key(std::string_view address) {
  const auto parsed = parse_url(address);
  return parsed ? host_key(*parsed) : std::string();
}

std::string host_and_port(const url& address) {
  return address.host + ":" + std::to_string(address.port);
}

std::string_view without_brackets(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
  return host;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~')
      out += c;
    else
      append_escaped(out, c);
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace catwalk
