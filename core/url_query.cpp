#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "config/letter_case.hpp"
#include "core/url.hpp"

namespace catwalk {
namespace {

// The text cut at its query: what stands before "?", the query, and what follows from "#" on.
struct pieces {
  std::string_view before, query, fragment;
  bool has_query = false;
};

pieces split(std::string_view address) {
  pieces p;
  if (const auto hash = address.find('#'); hash != address.npos) {
    p.fragment = address.substr(hash);
    address = address.substr(0, hash);
  }
  const auto mark = address.find('?');
  p.before = address.substr(0, mark);
  p.has_query = mark != address.npos;
  if (p.has_query) p.query = address.substr(mark + 1);
  return p;
}

// Calls `visit(name, whole parameter)` for each parameter of a query.
template <class Visit>
void each_parameter(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const auto parameter = query.substr(0, query.find('&'));
    visit(parameter.substr(0, parameter.find('=')), parameter);
    query.remove_prefix(std::min(query.size(), parameter.size() + 1));
  }
}

bool names_a_credential(std::string_view encoded) {
  const std::string name = config::lower_case(percent_decode(encoded));
  constexpr std::array anywhere{"token", "apikey", "api_key",   "api-key",
                                "passw", "secret", "signature", "credential"};
  constexpr std::array exactly{"key", "sig", "auth", "pwd", "authorization", "access_key"};
  return std::any_of(anywhere.begin(), anywhere.end(),
                     [&](auto part) { return name.find(part) != name.npos; }) ||
         std::any_of(exactly.begin(), exactly.end(), [&](auto whole) { return name == whole; });
}

/// Parameters that tell where a visitor came from, and nothing of the page.
bool names_a_campaign(std::string_view encoded) {
  const std::string name = config::lower_case(percent_decode(encoded));
  constexpr std::array exactly{"gclid", "dclid",  "gbraid", "wbraid", "fbclid",  "msclkid", "yclid",
                               "_ga",   "mc_cid", "mc_eid", "igshid", "srsltid", "_gl"};
  return name.starts_with("utm_") ||
         std::any_of(exactly.begin(), exactly.end(), [&](auto whole) { return name == whole; });
}

}  // namespace

std::string canonical_url(std::string_view address) {
  auto read = parse_url(address);
  if (!read) return std::string(address);
  std::vector<std::string_view> kept;
  each_parameter(read->query, [&](std::string_view name, std::string_view parameter) {
    if (!parameter.empty() && !names_a_campaign(name)) kept.push_back(parameter);
  });
  std::sort(kept.begin(), kept.end());
  std::string query;
  for (const auto parameter : kept) {
    if (!query.empty()) query += '&';
    query += parameter;
  }
  read->query = std::move(query);
  return read->without_fragment();
}

std::string with_query(std::string_view address, std::string_view key, std::string_view value) {
  const auto p = split(address);
  const std::string parameter = percent_encode(key) + "=" + percent_encode(value);
  std::string query;
  const auto append = [&](std::string_view text) {
    if (!query.empty()) query += '&';
    query += text;
  };
  bool placed = false;
  each_parameter(p.query, [&](std::string_view name, std::string_view whole) {
    if (percent_decode(name) != key)
      append(whole);
    else if (!std::exchange(placed, true))
      append(parameter);
  });
  if (!placed) append(parameter);
  return std::string(p.before) + "?" + query + std::string(p.fragment);
}

std::string redacted(std::string_view address) {
  const auto p = split(address);
  std::string text(p.before);
  if (const auto authority = text.find("//"); authority != text.npos) {
    const auto end = std::min(text.find_first_of("/\\", authority + 2), text.size());
    const auto at = text.rfind('@', end);
    if (at != text.npos && at > authority) text.replace(authority + 2, at - authority - 2, "***");
  }
  if (p.has_query) {
    text += '?';
    bool first = true;
    each_parameter(p.query, [&](std::string_view name, std::string_view whole) {
      if (!std::exchange(first, false)) text += '&';
      const bool hidden = name.size() < whole.size() && names_a_credential(name);
      text += hidden ? std::string(name) + "=***" : std::string(whole);
    });
  }
  return text + std::string(p.fragment);
}

}  // namespace catwalk
