#include "scrape/lane_gate.hpp"

#include <algorithm>

namespace catwalk::scrape {
namespace {

/// Image hosts come and go over months; those at rest are dropped beyond so many.
constexpr std::size_t hosts_kept = 256;

}  // namespace

lane_gate::ticket lane_gate::join(const std::string& host) {
  const ticket who = ++last_ticket_;
  hosts_.try_emplace(host, per_host_).first->second.line.push_back(who);
  holders_.emplace(who, holder{host, std::nullopt});
  return who;
}

lane_gate::verdict lane_gate::ask(ticket who, steady_time now, std::chrono::milliseconds delay,
                                  double jitter) {
  holder& asking = holders_.at(who);
  host_state& host = hosts_.at(asking.host);
  if (in_flight_ >= concurrency_ || host.line.front() != who) return {};
  const auto at = host.throttle.next_start();
  if (!at) return {};
  if (*at > now) return {false, at};
  host.line.pop_front();
  host.throttle.started(now, delay, jitter);
  asking.started = now;
  ++in_flight_;
  return {true, std::nullopt};
}

void lane_gate::leave(ticket who, steady_time now) {
  const auto leaving = holders_.find(who);
  if (leaving == holders_.end()) return;
  if (leaving->second.started) {
    finish(who, now, request_outcome::failed, std::nullopt);
    return;
  }
  auto& line = hosts_.at(leaving->second.host).line;
  line.erase(std::find(line.begin(), line.end(), who));
  holders_.erase(leaving);
  forget_idle_hosts(now);
}

void lane_gate::finish(ticket who, steady_time now, request_outcome outcome,
                       std::optional<std::chrono::milliseconds> pause) {
  const auto ending = holders_.find(who);
  hosts_.at(ending->second.host).throttle.finished(*ending->second.started, now, outcome, pause);
  holders_.erase(ending);
  --in_flight_;
  forget_idle_hosts(now);
}

void lane_gate::forget_idle_hosts(steady_time now) {
  if (hosts_.size() <= hosts_kept) return;
  std::erase_if(hosts_, [&](const auto& h) { return h.second.line.empty() && h.second.throttle.idle(now); });
}

}  // namespace catwalk::scrape
