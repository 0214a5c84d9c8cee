// Reads robots.txt line by line.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "config/letter_case.hpp"
#include "scrape/robots.hpp"
#include "scrape/robots_token.hpp"
#include "scrape/text.hpp"

namespace catwalk::scrape {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

enum class line_kind { user_agent, allow, disallow, crawl_delay, sitemap };

struct key_name {
  std::string_view name;
  line_kind kind;
};

/// With the misspellings that Google's parser takes.
constexpr std::array<key_name, 15> keys{{{"user-agent", line_kind::user_agent},
                                         {"useragent", line_kind::user_agent},
                                         {"user agent", line_kind::user_agent},
                                         {"allow", line_kind::allow},
                                         {"disallow", line_kind::disallow},
                                         {"dissallow", line_kind::disallow},
                                         {"dissalow", line_kind::disallow},
                                         {"disalow", line_kind::disallow},
                                         {"diasllow", line_kind::disallow},
                                         {"disallaw", line_kind::disallow},
                                         {"crawl-delay", line_kind::crawl_delay},
                                         {"crawldelay", line_kind::crawl_delay},
                                         {"crawl delay", line_kind::crawl_delay},
                                         {"sitemap", line_kind::sitemap},
                                         {"site-map", line_kind::sitemap}}};

}  // namespace

std::string robots_product_token(std::string_view agent) {
  std::string token;
  for (const char c : agent) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '_' || c == '.' || (static_cast<unsigned char>(c) & 0x80) != 0;
    if (!plain) break;
    token += config::lower_case(c);
  }
  return token;
}

class robots_parser {
 public:
  robots run(std::string_view text) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    for (std::size_t i = 0; i < mark.size() && text.starts_with(mark[i]); ++i) text.remove_prefix(1);
    const bool cut = text.size() > robots::max_bytes;
    text = text.substr(0, robots::max_bytes);
    while (!text.empty()) {
      const auto end = text.find_first_of("\r\n");
      if (end == std::string_view::npos && cut) break;
      read_line(text.substr(0, end));
      if (end == std::string_view::npos) break;
      // A line feed behind a carriage return ends no second line.
      text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
    }
    return std::move(out_);
  }

 private:
  void read_line(std::string_view line) {
    ++line_;
    line = trim(line.substr(0, line.find('#')));
    auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      // "Disallow /path": two words with the colon forgotten.
      colon = static_cast<std::size_t>(std::find_if(line.begin(), line.end(), is_space) - line.begin());
      if (colon == line.size()) return;
      const auto rest = trim(line.substr(colon));
      if (std::any_of(rest.begin(), rest.end(), is_space)) return;
    }
    const auto name = trim(line.substr(0, colon));
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const key_name& k) {
      return config::equal_but_for_case(k.name, name);
    });
    if (key != keys.end()) take(key->kind, trim(line.substr(colon + 1)));
  }

  void take(line_kind kind, std::string_view value) {
    switch (kind) {
      case line_kind::user_agent:
        user_agent(value);
        break;
      case line_kind::allow:
        rule(true, value);
        break;
      case line_kind::disallow:
        rule(false, value);
        break;
      case line_kind::crawl_delay:
        crawl_delay(value);
        break;
      case line_kind::sitemap:
        if (!value.empty()) out_.sitemaps_.emplace_back(value);
        break;
    }
  }

  void user_agent(std::string_view value) {
    if (out_.blocks_.empty() || in_rules_) {
      out_.blocks_.emplace_back();
      without_delay_.clear();
    }
    in_rules_ = false;
    const bool everyone = value == "*" || (value.starts_with('*') && is_space(value[1]));
    const auto token = everyone ? "*" : robots_product_token(value);
    if (token.empty()) return;
    auto& entry = out_.agents_[token];
    const auto block = out_.blocks_.size() - 1;
    if (entry.blocks.empty() || entry.blocks.back() != block) entry.blocks.push_back(block);
    if (!entry.crawl_delay) without_delay_.push_back(&entry);
  }

  void rule(bool allow, std::string_view path) {
    // Other lines, of which the RFC knows nothing, do not end the list of agents.
    in_rules_ = true;
    if (path.empty() || out_.blocks_.empty()) return;
    add(allow, path, path);
    // As for Google's and Protego's parsers, whoever may read the index page may read the folder.
    const auto slash = path.rfind('/');
    if (allow && slash != std::string_view::npos && path.substr(slash).starts_with("/index.htm"))
      add(allow, std::string(path.substr(0, slash + 1)) + '$', path);
  }

  void add(bool allow, std::string_view path, std::string_view written) {
    out_.blocks_.back().push_back(
        {allow, robots_pattern(path), (allow ? "Allow: " : "Disallow: ") + valid_utf8(written), line_});
  }

  void crawl_delay(std::string_view value) {
    double seconds = 0;
    const auto end = value.data() + value.size();
    const auto [stop, code] = std::from_chars(value.data(), end, seconds);
    if (code != std::errc() || stop != end || !std::isfinite(seconds) || seconds < 0) return;
    const auto capped = std::min(seconds * 1000, static_cast<double>(robots::max_crawl_delay.count()));
    // The first one counts, for the agents above it.
    for (auto* entry : without_delay_) entry->crawl_delay = std::chrono::milliseconds(std::lround(capped));
    without_delay_.clear();
  }

  robots out_;
  std::vector<robots::agent_entry*> without_delay_;  ///< agents of the current block
  bool in_rules_ = false;                            ///< the next user agent starts a new block
  int line_ = 0;
};

robots robots::parse(std::string_view text) {
  return robots_parser().run(text);
}

}  // namespace catwalk::scrape
