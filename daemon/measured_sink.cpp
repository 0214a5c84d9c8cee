#include "daemon/measured_sink.hpp"

#include "core/clock.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

const char* outcome_of(const storage::sink_reply& reply) {
  using kind = storage::sink_reply::kind;
  switch (reply.what) {
    case kind::accepted:
      return "accepted";
    case kind::retry:
      return "retried";
    case kind::halve:
      return "halved";
    case kind::park:
      return "parked";
    case kind::bisect:
      return "refused";
  }
  return "";
}

}  // namespace

asio::awaitable<storage::sink_reply> measured_sink::measure(asio::awaitable<storage::sink_reply> request,
                                                            std::size_t rows) {
  const auto began = steady_now();
  auto reply = co_await std::move(request);
  metrics_.sink_request_duration().Observe(std::chrono::duration<double>(steady_now() - began).count());
  metrics_.sink_rows(outcome_of(reply)).Increment(static_cast<double>(rows));
  co_return reply;
}

asio::awaitable<storage::sink_reply> measured_sink::upsert(const std::vector<storage::sink_row>& rows) {
  return measure(inner_->upsert(rows), rows.size());
}

asio::awaitable<storage::sink_reply> measured_sink::remove(const std::vector<storage::sink_row>& rows) {
  return measure(inner_->remove(rows), rows.size());
}

}  // namespace catwalk::daemon
