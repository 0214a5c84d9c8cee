#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace catwalk {

/// An http or https address, normalised as browsers do (WHATWG URL): scheme and host in lower case, names in
/// punycode, odd spellings of IPv4 as dotted decimals, dot segments resolved, what may not stand in a path or
/// a query percent-encoded as UTF-8. libcurl's CURLU judges and normalises the host.
struct url {
  std::string scheme;      ///< "http" or "https"
  std::string userinfo;    ///< "user" or "user:password", percent-encoded; mostly empty
  std::string host;        ///< "shop.example", "xn--bcher-kva.example", "192.0.2.1", "[2001:db8::1]"
  std::uint16_t port = 0;  ///< the written one, else 80 or 443
  std::string path;        ///< begins with "/"
  std::string query;       ///< without "?"; an empty query is as none
  std::string fragment;    ///< without "#"; an empty fragment is as none

  /// The whole address; the scheme's own port is left out.
  std::string str() const;
  /// As str(), without userinfo and fragment: what goes onto the wire.
  std::string without_fragment() const;
};

/// Reads an absolute http or https address. Blanks around it and tabs and line breaks in it are dropped and
/// "\" is read as "/", as browsers do. Errors: `malformed`, with the reason (another scheme, a host that
/// cannot be one …).
result<url> parse_url(std::string_view text);
/// As parse_url(text)->without_fragment(); an address in that form already, as most on a page are, is only
/// looked at. Errors as parse_url.
result<std::string> normalised_url(std::string text);
/// The address that `relative` means on a page at `base`: absolute, "//host/path", "/path", "path", "?query",
/// "#fragment" or "". Errors as parse_url.
result<url> resolve(const url& base, std::string_view relative);
/// As resolve(), from text to text.
result<std::string> resolve_url(std::string_view base, std::string_view relative);

/// The host of an address, in lower case and punycode; empty where it does not parse.
std::string host_of(std::string_view address);
/// `scheme://host:port`, the port always written: the unit of politeness, of robots.txt and of origin checks.
/// Empty where the address does not parse.
std::string host_key(std::string_view address);
std::string host_key(const url& address);
/// `host:port`, the port always written, an IPv6 address in brackets.
std::string host_and_port(const url& address);
/// A host without the brackets that an IPv6 address has in an address: "2001:db8::1" for "[2001:db8::1]".
std::string_view without_brackets(std::string_view host);

/// The address with query parameter `key` set to `value`: the first of that name is replaced, further ones
/// leave, a new one goes to the end; the fragment stays. Works on text, so that the rest of the query keeps
/// its spelling.
std::string with_query(std::string_view address, std::string_view key, std::string_view value);

/// What two addresses of one page have in common: normalised, without fragment, userinfo and the parameters
/// by which campaigns are told apart (utm_…, gclid, fbclid …), the others sorted. For comparing alone, never
/// to be asked for or stored. An address that does not parse is as it is.
std::string canonical_url(std::string_view address);

/// Everything but letters, digits, "-", ".", "_" and "~" as %XX (RFC 3986, 2.3).
std::string percent_encode(std::string_view text);
/// %XX to bytes; a "%" that no two hex digits follow stays. "+" stays "+".
std::string percent_decode(std::string_view text);

/// The address for logs and errors: userinfo and the values of query parameters that look like credentials
/// (key, token, apikey, password, secret, signature …) become "***". Works on any text.
std::string redacted(std::string_view address);

}  // namespace catwalk
