#include "scrape/block_page.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

constexpr std::size_t largest_challenge = 200'000;

struct signature {
  std::string_view name;
  std::string_view first, second;  ///< both stand in the body
};

// Marks of challenge and block pages, as the protections serve them. Each pair is absent from ordinary pages
// of shops that are merely protected by the same product.
constexpr std::array<signature, 12> signatures{{
    {"an Akamai block page", "Access Denied", "errors.edgesuite.net"},
    {"an Akamai block page", "Access Denied", "Reference"},
    {"an Akamai challenge", "http-equiv=\"refresh\"", "bm-verify="},
    {"an Akamai challenge", "sec-if-cpt-container", ""},
    {"a Cloudflare challenge", "<title>Just a moment...</title>", ""},
    {"a Cloudflare block page", "<title>Attention Required! | Cloudflare</title>", ""},
    {"a DataDome challenge", "captcha-delivery.com/", "dd={"},
    {"a DataDome challenge", "\"url\":\"https://geo.captcha-delivery.com/", ""},
    {"a PerimeterX challenge", "px-captcha", "_pxAppId"},
    {"an Imperva challenge", "_Incapsula_Resource", "incident"},
    {"an Imperva challenge", "Pardon Our Interruption", ""},
    {"a Kasada challenge", "window.KPSDK", ""},
}};

std::string_view header(const http_response& response, std::string_view name) {
  return response.headers.find(name).value_or("");
}

/// Where the byte of `text` stands that is the least common in pages.
std::size_t rarest(std::string_view text) {
  constexpr std::string_view rare = "KJOPIDVA_qxvf";  // the rarest first
  for (const char c : rare) {
    if (const std::size_t at = text.find(c); at != std::string_view::npos) return at;
  }
  return 0;
}

/// Whether `text` stands in the body. Searched for by its rarest byte: every page goes through this dozens of
/// kilobytes at a time, full of the others.
bool holds(std::string_view body, std::string_view text) {
  if (text.empty()) return true;
  const std::size_t before = rarest(text);
  for (std::size_t at = body.find(text[before], before); at != std::string_view::npos;
       at = body.find(text[before], at + 1)) {
    if (body.substr(at - before).starts_with(text)) return true;
  }
  return false;
}

/// Akamai's reference, for the shop's support: "Reference #18.ae760740.1752867090.51034ca8".
std::string reference_in(std::string_view body) {
  for (const std::string_view mark : {"Reference #", "Reference&#32;&#35;"}) {
    const std::size_t at = body.find(mark);
    if (at == std::string_view::npos) continue;
    std::string reference;
    for (std::size_t i = at + mark.size(); i < body.size() && reference.size() < 80; ++i) {
      if (body.substr(i).starts_with("&#46;")) {
        reference += '.';
        i += 4;
      } else if (const char c = body[i]; (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.') {
        reference += c;
      } else {
        break;
      }
    }
    return reference;
  }
  return {};
}

}  // namespace

std::optional<std::string> recognise_block_page(const http_response& response) {
  if (lower_ascii(header(response, "cf-mitigated")) == "challenge") return "a Cloudflare challenge";
  if (const auto action = header(response, "x-amzn-waf-action");
      action == "challenge" || action == "captcha") {
    return "an AWS WAF " + std::string(action);
  }
  const std::string_view body = response.body;
  if (body.size() >= largest_challenge) return std::nullopt;
  const std::string_view start = trimmed(body.substr(0, 256));
  const bool page = start.starts_with('<');
  const bool data = start.starts_with('{');
  if (!page && !(data && response.status >= 400)) return std::nullopt;
  for (const signature& one : signatures) {
    if (!holds(body, one.first) || !holds(body, one.second)) continue;
    std::string seen(one.name);
    if (const std::string reference = reference_in(body); !reference.empty())
      seen += ", reference " + reference;
    return seen;
  }
  return std::nullopt;
}

}  // namespace catwalk::scrape
