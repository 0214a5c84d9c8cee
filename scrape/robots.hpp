#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace catwalk::scrape {

/// The path of an Allow or Disallow line, with `*` for any characters and `$` at its end for the address's
/// end.
class robots_pattern {
 public:
  explicit robots_pattern(std::string_view text);

  /// `path`, as `normalise_robots_path` has it, starts with what the pattern says. Takes time proportional to
  /// the lengths' product at worst.
  bool matches(std::string_view path) const;
  /// Octets, by which the most specific rule wins.
  std::size_t length() const noexcept { return length_; }

 private:
  std::vector<std::string> pieces_;  ///< what stands between the `*`
  bool anchored_ = false;            ///< ends with `$`
  std::size_t length_ = 0;
};

/// One spelling for all percent-encodings of a path and query: what stands for itself is decoded, also octets
/// beyond ASCII. Encoded delimiters stay encoded: `/` and `?` in the path; `&`, `=`, `+` in the query. The
/// fragment is cut off.
std::string normalise_robots_path(std::string_view path_and_query);

/// What robots.txt says of one address.
struct robots_verdict {
  bool allowed = true;
  std::string
      rule;      ///< the line that decided, as "Disallow: /cart", in valid UTF-8; empty where none applies
  int line = 0;  ///< its number, from 1; 0 where none applies

  explicit operator bool() const noexcept { return allowed; }
};

/// A robots.txt by RFC 9309: groups of the same product token are merged, the longest matching rule wins and
/// Allow wins a tie, /robots.txt itself is allowed. Read leniently, as Google's parser: any line ending, a
/// byte order mark, spaces for the colon, frequent misspellings.
class robots {
 public:
  /// Bytes that are read; a line that goes beyond is left out (RFC 9309, 2.5).
  static constexpr std::size_t max_bytes = 500UL * 1024;
  static constexpr std::chrono::milliseconds max_crawl_delay{60'000};

  /// Never fails: what is not understood is skipped.
  static robots parse(std::string_view text);

  /// May `agent` fetch `path_and_query`? `agent` is a product token ("catwalk"), or a whole User-Agent
  /// header, of which the part up to the first slash or space counts.
  robots_verdict allowed(std::string_view agent, std::string_view path_and_query) const;

  /// Seconds between two requests as `Crawl-delay` asks for, `max_crawl_delay` at most; nullopt where it does
  /// not.
  std::optional<std::chrono::milliseconds> crawl_delay(std::string_view agent) const;

  /// The addresses of the Sitemap lines, in their order. They belong to no group.
  const std::vector<std::string>& sitemaps() const noexcept { return sitemaps_; }

 private:
  struct rule {
    bool allow;
    robots_pattern pattern;
    std::string text;
    int line;
  };
  /// The rules below one list of user agents. Agents refer to it, so that a long list with many rules stays
  /// small.
  using block = std::vector<rule>;
  struct agent_entry {
    std::vector<std::size_t> blocks;
    std::optional<std::chrono::milliseconds> crawl_delay;
  };
  friend class robots_parser;

  const agent_entry* find(std::string_view agent) const;

  std::vector<block> blocks_;
  std::map<std::string, agent_entry> agents_;  ///< by product token in lower case; "*" for everyone
  std::vector<std::string> sitemaps_;
};

}  // namespace catwalk::scrape
