#include "storage/writer_policy.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace catwalk::storage {
namespace {

constexpr std::size_t suspects_that_mean_the_table = 3;
/// With differing codes it takes more of them to say so.
constexpr std::size_t suspects_at_most = 10;

constexpr const char* refused_alone = "the sink refuses this row and accepts others";

std::vector<product_id> keys_of(const std::vector<outbox_key>& rows) {
  std::vector<product_id> keys;
  keys.reserve(rows.size());
  for (const auto& row : rows) keys.push_back(row.key);
  return keys;
}

request_window::settings window_of(const writer_policy::settings& s) {
  request_window::settings w;
  w.most = std::max(1, s.concurrency);
  return w;
}

}  // namespace

writer_policy::writer_policy(settings s)
    : settings_(s), random_(s.seed), batch_(std::max(1, s.batch)), window_(window_of(s)) {}

bool writer_policy::untroubled(steady_time now) const noexcept {
  return !troubled_ && !parked_ && sets_.empty() && suspects_.empty() && now >= not_before_;
}

writer_policy::step writer_policy::next(steady_time now, int under_way) {
  step s;
  if (under_way == 0) {
    troubled_ = false;
  } else if (under_way >= window_.size() || !untroubled(now)) {
    s.what = step::kind::join;
    return s;
  }
  if (now < not_before_) {
    s.what = step::kind::wait;
    s.until = not_before_;
    return s;
  }
  if (parked_) {
    s.limit = 1;
    return s;
  }
  sent_first_half_ = false;
  if (!sets_.empty() && sets_.front().is == part::standing::refused && sets_.front().keys.size() > 1) {
    const auto keys = std::move(sets_.front().keys);
    sets_.pop_front();
    split(keys, true);
  }
  if (!sets_.empty()) {
    s.what = step::kind::resend;
    s.keys = std::move(sets_.front().keys);
    const bool refused = sets_.front().is == part::standing::refused;
    sets_.pop_front();
    if (refused) return s;
    sent_first_half_ = !sets_.empty() && sets_.front().is == part::standing::second_half;
    if (sent_first_half_) return s;
    // Nothing is known against these.
    while (!sets_.empty() && sets_.front().is == part::standing::unknown &&
           s.keys.size() + sets_.front().keys.size() <= static_cast<std::size_t>(batch_)) {
      std::move(sets_.front().keys.begin(), sets_.front().keys.end(), std::back_inserter(s.keys));
      sets_.pop_front();
    }
    return s;
  }
  s.limit = batch_;
  return s;
}

void writer_policy::put_back(std::vector<product_id> keys) {
  if (keys.empty()) return;
  // What is sent is not the whole first half any more, so it says nothing about the second.
  if (std::exchange(sent_first_half_, false)) sets_.front().is = part::standing::unknown;
  sets_.push_front({std::move(keys)});
}

writer_policy::verdict writer_policy::on_reply(const std::vector<outbox_key>& sent, const sink_reply& reply,
                                               steady_time now, bool removal,
                                               std::chrono::duration<double> took) {
  if (troubled_) return late(sent, reply, now);
  verdict v;
  using kind = sink_reply::kind;
  if (std::exchange(sent_first_half_, false)) {
    sets_.front().is = reply.what == kind::accepted ? part::standing::refused : part::standing::unknown;
  }
  if (reply.what == kind::accepted) {
    accepted(v, sent, now, removal);
    if (!removal && sent.size() >= static_cast<std::size_t>(batch_)) window_.accepted(took);
    return v;
  }
  troubled_ = true;
  window_.troubled();
  accepted_in_a_row_ = 0;
  if (parked_) {
    writes_refused_ = writes_refused_ || !removal;
    probe_refused(v, sent, reply, now);
    return v;
  }
  switch (reply.what) {
    case kind::accepted:
      break;
    case kind::park:
      v.postponed = sent;
      writes_refused_ = !removal;
      park(v,
           now + std::max(settings_.probe_every, reply.retry_after.value_or(std::chrono::milliseconds(0))));
      break;
    case kind::retry:
      v.postponed = sent;
      if (reply.outcome_unknown) v.postpone_by = settings_.settle;
      back_off(reply, now);
      break;
    case kind::halve:
      if (sent.size() > 1) {
        batch_ = std::max(1, static_cast<int>(sent.size() / 2));
        split(keys_of(sent), false);
      } else {
        v.postponed = sent;
        back_off(reply, now);
      }
      break;
    case kind::bisect:
      if (sent.size() > 1)
        split(keys_of(sent), true);
      else if (!sent.empty())
        suspected(v, sent.front(), reply, now, removal);
      break;
  }
  return v;
}

/// An answer to a request from before the trouble began: it tells of its own rows alone. Those that were not
/// accepted go again.
writer_policy::verdict writer_policy::late(const std::vector<outbox_key>& sent, const sink_reply& reply,
                                           steady_time now) {
  verdict v;
  if (reply.what == sink_reply::kind::accepted) {
    v.confirmed = sent;
    return v;
  }
  v.postponed = sent;
  if (reply.outcome_unknown) v.postpone_by = settings_.settle;
  if (reply.retry_after) not_before_ = std::max(not_before_, now + *reply.retry_after);
  return v;
}

void writer_policy::accepted(verdict& v, const std::vector<outbox_key>& sent, steady_time now, bool removal) {
  v.confirmed = sent;
  // Rows are accepted, so what was refused by itself was refused for its own sake; but a table that removes
  // rows may still refuse all that are written.
  std::erase_if(suspects_, [&](const suspect& s) {
    const auto is_it = [&](const outbox_key& row) { return row.key == s.row.key; };
    if (std::any_of(sent.begin(), sent.end(), is_it)) return true;
    if (removal && !s.removal) return false;
    v.dead.push_back({s.row, refused_alone, s.code, s.words});
    return true;
  });
  failures_in_a_row_ = 0;
  not_before_ = now;
  if (removal && parked_ && writes_refused_) return;
  v.resumed = std::exchange(parked_, false);
  // What was refused meanwhile has another chance: the table may have been mended since.
  if (!probed_.empty()) {
    v.released = std::exchange(probed_, {});
    refused_before_ = keys_of(v.released);
  }
  if (++accepted_in_a_row_ >= settings_.grow_after && batch_ < settings_.batch) {
    batch_ = std::min(settings_.batch, batch_ * 2);
    accepted_in_a_row_ = 0;
  }
}

void writer_policy::park(verdict& v, steady_time until) {
  parked_ = true;
  v.parked = true;
  not_before_ = until;
  // What was being bisected and suspected stays in the outbox and goes again when the sink is mended.
  sets_.clear();
  suspects_.clear();
  refused_before_.clear();
}

/// Only an accepted row ends the parking. A probe that is refused for its own sake makes place for another
/// row.
void writer_policy::probe_refused(verdict& v, const std::vector<outbox_key>& sent, const sink_reply& reply,
                                  steady_time now) {
  not_before_ =
      now + std::max(settings_.probe_every, reply.retry_after.value_or(std::chrono::milliseconds(0)));
  v.postponed = sent;
  if (reply.what == sink_reply::kind::bisect) {
    v.postpone_by = settings_.suspect_wait;
    for (const auto& row : sent) {
      std::erase_if(probed_, [&](const outbox_key& other) { return other.key == row.key; });
      probed_.push_back(row);
    }
  }
  if (reply.outcome_unknown) v.postpone_by = settings_.settle;
}

void writer_policy::back_off(const sink_reply& reply, steady_time now) {
  auto wait = settings_.first_wait;
  for (int i = 0; i < failures_in_a_row_ && wait < settings_.longest_wait; ++i) wait *= 2;
  wait = std::min(wait, settings_.longest_wait);
  ++failures_in_a_row_;
  // Between half and all of it, so that several writers do not come back together.
  std::uniform_real_distribution<double> fraction(0.5, 1.0);
  wait = std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(wait.count()) * fraction(random_)));
  if (reply.retry_after) wait = std::max(wait, *reply.retry_after);
  not_before_ = now + wait;
  // The rest of a refused batch is still in the outbox; it goes with the next batches.
  sets_.clear();
}

void writer_policy::split(const std::vector<product_id>& keys, bool refused) {
  const auto middle = keys.begin() + static_cast<std::ptrdiff_t>(keys.size() / 2);
  sets_.push_front({{middle, keys.end()}, refused ? part::standing::second_half : part::standing::unknown});
  sets_.push_front({{keys.begin(), middle}});
}

void writer_policy::suspected(verdict& v, const outbox_key& row, const sink_reply& reply, steady_time now,
                              bool removal) {
  if (std::erase(refused_before_, row.key) > 0) {
    v.dead.push_back({row, refused_alone, reply.sqlstate_or_code, reply.why.to_string()});
    return;
  }
  v.postponed = {row};
  v.postpone_by = settings_.suspect_wait;
  std::erase_if(suspects_, [&](const suspect& s) { return s.row.key == row.key; });
  suspects_.push_back({row, reply.sqlstate_or_code, reply.why.to_string(), removal});
  const auto same = std::count_if(suspects_.begin(), suspects_.end(),
                                  [&](const suspect& s) { return s.code == reply.sqlstate_or_code; });
  if (static_cast<std::size_t>(same) < suspects_that_mean_the_table && suspects_.size() < suspects_at_most)
    return;
  // They all go back to the outbox, due right after the first probe.
  v.postponed.clear();
  for (const auto& s : suspects_) v.postponed.push_back(s.row);
  v.postpone_by = settings_.probe_every + settings_.first_wait;
  writes_refused_ =
      std::any_of(suspects_.begin(), suspects_.end(), [](const suspect& s) { return !s.removal; });
  park(v, now + settings_.probe_every);
  probed_ = v.postponed;
}

}  // namespace catwalk::storage
