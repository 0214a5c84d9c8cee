#pragma once
#include <chrono>

#include "core/clock.hpp"

namespace catwalk::scrape {

/// What one look at a page in the browser tells.
struct page_look {
  bool ready = false;  ///< the document has been parsed
  long wanted = 0;  ///< elements that the awaited selector finds; -1: the browser does not know the selector
  long elements = 0;     ///< of the document
  long height = 0;       ///< of the document, CSS pixels
  bool clicked = false;  ///< a consent button was clicked
};

/// What a visit to a page does next. No I/O: events and `now` in, an action out.
///
/// The page is looked at four times a second. It has come to rest when looks have not changed for half a
/// second while nothing was being loaded (or for five seconds: some pages keep a request open for ever). At
/// rest it is scrolled to its end, at most six times, and no further after two times without effect. Then,
/// with the awaited element there, it is taken; without it, it has ten seconds more. When the time is nearly
/// up it is taken as it is, if it was parsed and has the awaited element; else the visit is given up.
class visit_plan {
 public:
  struct limits {
    std::chrono::milliseconds timeout{60'000};
    bool wants_element = false;
  };
  enum class step { wait, look, scroll, take, give_up };
  struct action {
    step what = step::wait;
    steady_time until{};  ///< of `wait`: the latest time to ask again
  };

  visit_plan(limits l, steady_time now);

  /// The status of the document: an error page is neither waited for nor scrolled.
  void answered(int status) noexcept;
  void request_started(steady_time now) noexcept;
  void request_ended(steady_time now) noexcept;
  void looked(const page_look& look, steady_time now) noexcept;
  void scrolled(steady_time now) noexcept;

  action next(steady_time now) const noexcept;
  /// When the whole visit must have ended.
  steady_time deadline() const noexcept { return deadline_; }
  bool has_wanted() const noexcept { return !wants_element_ || last_.wanted > 0; }

 private:
  bool at_rest(steady_time now) const noexcept;

  bool wants_element_;
  bool scrolls_ = true;
  steady_time deadline_, take_at_;
  steady_time looked_at_{};
  steady_time changed_at_;  ///< the last look that differed, scroll or start
  steady_time settled_at_;  ///< as changed_at_, without scrolls that had no effect
  steady_time network_at_;  ///< a request began or ended
  int in_flight_ = 0;
  page_look last_;
  int scrolls_done_ = 0;
  int idle_scrolls_ = 0;         ///< in a row
  bool scroll_pending_ = false;  ///< nothing has changed since the last scroll
};

}  // namespace catwalk::scrape
