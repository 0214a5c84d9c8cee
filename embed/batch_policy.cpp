#include "embed/batch_policy.hpp"

#include <algorithm>

namespace catwalk::embed {

void batch_policy::add(item_id item, lane who, steady_time now, steady_time expires) {
  (who == lane::bulk ? bulk_ : queries_).push_back({item, now, expires});
  if (who == lane::interactive) last_query_ = now;
}

bool batch_policy::cancel(item_id item) {
  for (auto* line : {&bulk_, &queries_})
    if (std::erase_if(*line, [&](const entry& e) { return e.item == item; }) != 0) return true;
  return false;
}

void batch_policy::take(std::deque<entry>& from, std::size_t count, std::vector<item_id>& into) {
  for (std::size_t i = 0; i < count; ++i) {
    into.push_back(from.front().item);
    from.pop_front();
  }
}

std::size_t batch_policy::bulk_size(steady_time now) const noexcept {
  const auto full = std::max<std::size_t>(options_.size, 1);
  const bool busy = last_query_ && now - *last_query_ < options_.busy_after_query;
  return busy ? std::max<std::size_t>(full / 4, 1) : full;
}

batch_policy::step batch_policy::next(steady_time now, taking from) {
  step s;
  for (auto* line : {&bulk_, &queries_})
    std::erase_if(*line, [&](const entry& e) {
      if (e.expires > now) return false;
      s.expired.push_back(e.item);
      return true;
    });

  if (!queries_.empty() && from != taking::bulk) {
    s.who = lane::interactive;
    take(queries_, std::min(queries_.size(), std::max<std::size_t>(options_.size, 1)), s.batch);
    return s;
  }
  if (from == taking::queries) return s;
  const auto full = bulk_size(now);
  if (!bulk_.empty() && (closed_ || bulk_.size() >= full || now - bulk_.front().added >= options_.wait)) {
    take(bulk_, std::min(bulk_.size(), full), s.batch);
    return s;
  }
  if (!bulk_.empty()) s.wake = bulk_.front().added + options_.wait;
  for (const auto& e : bulk_) s.wake = std::min(s.wake, e.expires);
  return s;
}

}  // namespace catwalk::embed
