#include "core/schedule.hpp"

#include <algorithm>
#include <cstdint>

namespace catwalk {
namespace {

using namespace std::chrono;

/// How many slots of a job are remembered against a clock that goes back: more than two days of every minute.
constexpr std::size_t remembered = 4096;

/// FNV-1a: the same delay for the same slot, also after a restart.
std::uint64_t hash(std::string_view name, sys_seconds slot) {
  std::uint64_t h = 14695981039346656037U;
  const auto mix = [&](unsigned char byte) { h = (h ^ byte) * 1099511628211U; };
  for (const char c : name) mix(static_cast<unsigned char>(c));
  for (int shift = 0; shift < 64; shift += 8)
    mix(static_cast<unsigned char>(static_cast<std::uint64_t>(slot.time_since_epoch().count()) >> shift));
  return h ^ (h >> 32);
}

bool same_times(const scheduled_job& a, const scheduled_job& b) {
  return a.cron.text() == b.cron.text() && a.zone.name() == b.zone.name();
}

}  // namespace

schedule::schedule(std::vector<scheduled_job> jobs,
                   const std::map<std::string, std::vector<sys_seconds>>& fired, sys_seconds now,
                   const std::map<std::string, sys_seconds>& interrupted) {
  for (auto& job : jobs) {
    state s{std::move(job), now, {}, {}, {}, 0};
    if (const auto known = fired.find(s.job.name); known != fired.end()) {
      for (const auto slot : known->second) take(s, slot);
      // Slots after now were fired by a clock that was ahead: they are taken, those before them are not
      // decided.
      const auto after_now = s.taken.upper_bound(now);
      if (after_now != s.taken.begin()) s.handled_until = *std::prev(after_now);
    }
    if (const auto broken = interrupted.find(s.job.name); broken != interrupted.end()) {
      s.interrupted = broken->second;
      take(s, broken->second);
      // What came after it and was missed is made up for by the same run.
      if (broken->second <= now) s.handled_until = now;
    }
    states_.push_back(std::move(s));
  }
}

schedule::decision schedule::tick(sys_seconds now) {
  decision out;
  for (auto& s : states_) {
    decide(s, now, out);
    if (const auto next = next_due(s.job.name)) out.wake_at = std::min(out.wake_at.value_or(*next), *next);
  }
  return out;
}

void schedule::started(std::string_view job) {
  if (auto* s = find(job)) ++s->running;
}

schedule::decision schedule::finished(std::string_view job, sys_seconds now) {
  decision waiting;
  if (auto* s = find(job); s && s->running > 0 && --s->running == 0 && s->queued) {
    waiting.fire.push_back({s->job.name, *s->queued, now - due(*s, *s->queued) > lateness, false});
    s->queued.reset();
    ++s->running;
  }
  auto out = tick(now);
  out.fire.insert(out.fire.begin(), waiting.fire.begin(), waiting.fire.end());
  return out;
}

void schedule::replace_jobs(std::vector<scheduled_job> jobs, sys_seconds now) {
  std::vector<state> replaced;
  for (auto& job : jobs) {
    if (auto* old = find(job.name)) {
      const bool goes_on = old->job.enabled && same_times(old->job, job);
      if (!goes_on) old->handled_until = now;
      if (!job.enabled) old->queued.reset();
      old->job = std::move(job);
      replaced.push_back(std::move(*old));
    } else {
      replaced.push_back({std::move(job), now, {}, {}, {}, 0});
    }
  }
  states_ = std::move(replaced);
}

std::optional<sys_seconds> schedule::next_due(std::string_view job) const {
  const auto found =
      std::find_if(states_.begin(), states_.end(), [&](const state& s) { return s.job.name == job; });
  if (found == states_.end() || !found->job.enabled) return std::nullopt;
  const auto slot = next_slot(*found, found->handled_until);
  return slot ? std::optional(due(*found, *slot)) : std::nullopt;
}

schedule::state* schedule::find(std::string_view job) {
  const auto found =
      std::find_if(states_.begin(), states_.end(), [&](const state& s) { return s.job.name == job; });
  return found == states_.end() ? nullptr : &*found;
}

/// The first slot that is not taken.
std::optional<sys_seconds> schedule::next_slot(const state& s, sys_seconds after) {
  auto slot = s.job.cron.next_after(after, s.job.zone);
  while (slot && s.taken.contains(*slot)) slot = s.job.cron.next_after(*slot, s.job.zone);
  return slot;
}

sys_seconds schedule::due(const state& s, sys_seconds slot) {
  if (s.job.jitter <= seconds(0)) return slot;
  auto range = s.job.jitter;
  // Slots stay in their order.
  if (const auto following = s.job.cron.next_after(slot, s.job.zone))
    range = std::min(range, *following - slot);
  return slot + seconds(hash(s.job.name, slot) % static_cast<std::uint64_t>(range.count()));
}

/// The last slot that is due and not decided. Looks back further and further, so that a year of missed
/// minutes costs no more than an hour of them.
std::optional<sys_seconds> schedule::latest_due(const state& s, sys_seconds now) {
  for (seconds window = hours(1);; window *= 8) {
    const auto start = std::max(s.handled_until, now - window);
    std::optional<sys_seconds> latest;
    for (auto slot = next_slot(s, start); slot && due(s, *slot) <= now; slot = next_slot(s, *slot))
      latest = slot;
    if (latest || start == s.handled_until) return latest;
  }
}

void schedule::take(state& s, sys_seconds slot) {
  s.taken.insert(slot);
  if (s.taken.size() > remembered) s.taken.erase(s.taken.begin());
}

void schedule::decide(state& s, sys_seconds now, decision& out) {
  // The clock went back: what it has not reached again is not decided any more, but what fired stays taken.
  s.handled_until = std::min(s.handled_until, now);
  if (!s.job.enabled) return;
  if (s.interrupted && s.running == 0) {
    ++s.running;
    out.fire.push_back({s.job.name, *s.interrupted, now - *s.interrupted > lateness, true});
    s.interrupted.reset();
  }
  const auto slot = latest_due(s, now);
  if (!slot) return;
  s.handled_until = *slot;
  const bool missed = now - due(s, *slot) > lateness;
  if (missed && !s.job.catch_up) {
    out.skip.push_back({s.job.name, *slot, skip_reason::missed});
  } else if (s.running == 0) {
    take(s, *slot);
    ++s.running;
    out.fire.push_back({s.job.name, *slot, missed, false});
  } else if (s.job.overlap == scheduled_job::overlap_policy::skip) {
    out.skip.push_back({s.job.name, *slot, skip_reason::still_running});
  } else {
    if (s.queued) out.skip.push_back({s.job.name, *s.queued, skip_reason::replaced});
    take(s, *slot);
    s.queued = slot;
  }
}

}  // namespace catwalk
