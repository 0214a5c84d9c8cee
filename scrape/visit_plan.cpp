#include "scrape/visit_plan.hpp"

#include <algorithm>

namespace catwalk::scrape {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds look_every{250};
constexpr milliseconds rest{500};
constexpr milliseconds rest_with_open_request{5'000};
constexpr milliseconds patience{10'000};
constexpr int most_scrolls = 6;
constexpr int most_idle_scrolls = 2;

}  // namespace

visit_plan::visit_plan(limits l, steady_time now)
    : wants_element_(l.wants_element),
      deadline_(now + l.timeout),
      take_at_(deadline_ - std::min<milliseconds>(milliseconds(2'000), l.timeout / 10)),
      changed_at_(now),
      settled_at_(now),
      network_at_(now) {}

void visit_plan::answered(int status) noexcept {
  if (status < 400) return;
  wants_element_ = false;
  scrolls_ = false;
}

void visit_plan::request_started(steady_time now) noexcept {
  ++in_flight_;
  network_at_ = now;
}

void visit_plan::request_ended(steady_time now) noexcept {
  in_flight_ = std::max(0, in_flight_ - 1);
  network_at_ = now;
}

void visit_plan::looked(const page_look& look, steady_time now) noexcept {
  looked_at_ = now;
  if (look.wanted < 0) wants_element_ = false;
  const bool same = look.ready == last_.ready && look.wanted == last_.wanted &&
                    look.elements == last_.elements && look.height == last_.height && !look.clicked;
  last_ = look;
  if (same) return;
  changed_at_ = settled_at_ = now;
  scroll_pending_ = false;
  idle_scrolls_ = 0;
}

void visit_plan::scrolled(steady_time now) noexcept {
  ++scrolls_done_;
  if (scroll_pending_) ++idle_scrolls_;
  scroll_pending_ = true;
  changed_at_ = now;
}

bool visit_plan::at_rest(steady_time now) const noexcept {
  if (!last_.ready) return false;
  if (now - changed_at_ >= rest_with_open_request) return true;
  return in_flight_ == 0 && now - changed_at_ >= rest && now - network_at_ >= rest;
}

visit_plan::action visit_plan::next(steady_time now) const noexcept {
  if (now >= take_at_) return {last_.ready && has_wanted() ? step::take : step::give_up, now};
  if (now - looked_at_ >= look_every) return {step::look, now};
  if (at_rest(now)) {
    const bool no_effect = scroll_pending_ && idle_scrolls_ + 1 >= most_idle_scrolls;
    if (scrolls_ && scrolls_done_ < most_scrolls && !no_effect) return {step::scroll, now};
    if (has_wanted() || now - settled_at_ >= patience) return {step::take, now};
  }
  return {step::wait, std::min(looked_at_ + look_every, take_at_)};
}

}  // namespace catwalk::scrape
