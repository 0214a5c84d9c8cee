#include "daemon/event_hub.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "core/json_text.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {
constexpr auto awaitable_tuple = asio::as_tuple(asio::use_awaitable);
}

event_hub::event_hub(const asio::any_io_executor& loop, limits l) : loop_(loop), limits_(l), empty_(loop) {}

std::string event_hub::event(std::string_view name, std::string_view data) {
  std::string text = "event: ";
  text.append(name).append("\ndata: ").append(data).append("\n\n");
  return text;
}

void event_hub::end(client& c, std::string_view reason) {
  c.waiting.clear();
  c.waiting.push_back({"goodbye", event("goodbye", json_text({{"reason", reason}}))});
  c.ends = true;
  c.wake.cancel();
}

void event_hub::publish(std::string_view name, std::string_view data, bool replaces) {
  for (auto& c : clients_) {
    if (c.ends) continue;
    const auto same = std::find_if(c.waiting.begin(), c.waiting.end(),
                                   [&](const waiting_event& e) { return replaces && e.name == name; });
    if (same != c.waiting.end()) {
      same->text = event(name, data);
    } else if (c.waiting.size() >= limits_.waiting) {
      end(c, "the client reads too slowly");
    } else {
      c.waiting.push_back({std::string(name), event(name, data)});
      c.wake.cancel();
    }
  }
}

asio::awaitable<void> event_hub::serve(http_stream& to, std::string first) {
  const auto self = clients_.emplace(clients_.end(), loop_);
  struct remove_at_end {
    event_hub& hub;
    std::list<client>::iterator which;
    ~remove_at_end() {
      hub.clients_.erase(which);
      if (hub.clients_.empty()) hub.empty_.cancel();
    }
  } const guard{*this, self};
  self->waiting.push_back({"", "retry: 2000\n\n" + std::move(first)});
  if (closed_) end(*self, closing_words_);
  for (;;) {
    while (!self->waiting.empty()) {
      auto text = std::move(self->waiting.front().text);
      self->waiting.pop_front();
      if (!co_await to.write(std::move(text), limits_.write_timeout)) co_return;
    }
    if (self->ends) co_return;
    self->wake.expires_after(limits_.heartbeat);
    const auto [ec] = co_await self->wake.async_wait(awaitable_tuple);
    if (self->waiting.empty() && !ec) self->waiting.push_back({"", ": still here\n\n"});
  }
}

asio::awaitable<void> event_hub::close(std::string_view reason, std::chrono::milliseconds at_most) {
  closed_ = true;
  closing_words_ = reason;
  for (auto& c : clients_)
    if (!c.ends) end(c, reason);
  if (clients_.empty()) co_return;
  empty_.expires_after(at_most);
  co_await empty_.async_wait(awaitable_tuple);
}

}  // namespace catwalk::daemon
