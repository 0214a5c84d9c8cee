#pragma once
#include <string>
#include <vector>

#include "storage/event_feed.hpp"

namespace catwalk::daemon {

/// What is told of an event.
struct event_message {
  std::string id;    ///< the same whenever the same event is told again, and no other's
  std::string type;  ///< price_drop | back_in_stock | new | gone | job_failed
  std::string body;  ///< JSON: `type`, `timestamp` and `data`
};

/// The messages that an event gives, of the types in `wanted` (`notify.events`): none where nobody asked, two
/// where a product came back for less.
///
/// `price_drop`: the amount that counts (the reduced one where there is one) is lower than before, in the
/// same currency. `back_in_stock`: it was out of stock and is not, or it was gone and is listed again, not
/// out of stock.
std::vector<event_message> messages_of(const storage::recorded_event& event,
                                       const std::vector<std::string>& wanted);

}  // namespace catwalk::daemon
