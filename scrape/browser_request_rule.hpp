#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "core/address_guard.hpp"
#include "core/error.hpp"
#include "core/url.hpp"

namespace catwalk::scrape {

/// A request that a page in the browser is about to make.
struct browser_request {
  std::string url;
  std::string kind;            ///< as DevTools' Network.ResourceType: "Document", "Script", "Image" …
  bool of_main_frame = false;  ///< with kind "Document": it is the page itself
  bool redirected = false;     ///< it follows a redirect
};

/// Which requests of a page may be made. No I/O.
///
/// Only http and https, and what a page needs to build its DOM: no fonts, films or pings, no frames (their
/// documents would run in a target of their own, unwatched), and an empty picture in place of each picture.
/// At most five redirects of the page itself. Hosts as the address guard says: a numeric one is judged here,
/// a name has to be resolved and its addresses judged by `address_guard::check`.
class browser_request_rule {
 public:
  enum class verdict {
    permit,         ///< let it go
    resolve,        ///< permit it if every address of `host` is permitted
    empty_picture,  ///< answer with a picture of one pixel
    block,          ///< not needed: fail it without a word
    refuse,         ///< fail it, and say `code` and `why`; of the page itself: the visit's end
  };
  struct decision {
    verdict what = verdict::permit;
    errc code = errc::refused_address;
    std::string why{};
    std::string host{};  ///< without brackets
    std::uint16_t port = 0;
  };

  /// `guarded` false: every host is permitted. Where `by_proxy` says so a proxy resolves the name, which is
  /// then permitted.
  browser_request_rule(const address_guard& guard, bool guarded, std::function<bool(const url&)> by_proxy,
                       int max_redirects)
      : guard_(guard), guarded_(guarded), by_proxy_(std::move(by_proxy)), max_redirects_(max_redirects) {}

  decision judge(const browser_request& request);

 private:
  const address_guard& guard_;
  bool guarded_;
  std::function<bool(const url&)> by_proxy_;
  int max_redirects_;
  int redirects_ = 0;  ///< of the page itself, in a row
};

}  // namespace catwalk::scrape
