#include "daemon/job_pings.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "core/url.hpp"
#include "daemon/callback_client.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

std::string ping_address(std::string_view url, std::string_view suffix) {
  const auto end = std::min(url.find_first_of("?#"), url.size());
  std::string address(url.substr(0, end));
  while (!suffix.empty() && address.ends_with('/')) address.pop_back();
  address += suffix;
  return address.append(url.substr(end));
}

job_pings::job_pings(asio::any_io_executor loop, const config::fetch_settings& fetch)
    : loop_(std::move(loop)), http_(loop_, callback_client("pings", fetch)), tasks_(loop_) {}

void job_pings::started(const config::job_settings& job) {
  send(job, "/start", "started");
}

void job_pings::ended(const config::job_settings& job, bool success, std::string words) {
  send(job, success ? "" : "/fail", std::move(words));
}

void job_pings::send(const config::job_settings& job, std::string_view suffix, std::string words) {
  if (job.ping_url.empty()) return;
  tasks_.spawn("ping", ask(job.name, ping_address(job.ping_url, suffix), std::move(words)));
}

asio::awaitable<void> job_pings::ask(std::string job, std::string url, std::string words) {
  http_request request;
  request.method = "POST";
  request.url = url;
  request.headers.add("Content-Type", "text/plain; charset=utf-8");
  request.body = std::move(words);
  request.timeout = std::chrono::seconds(10);
  request.max_bytes = 100'000;
  const auto answer = co_await http_.fetch(std::move(request));
  if (!answer && answer.error().code != errc::cancelled)
    spdlog::warn("job {}: ping_url: {}", job, answer.error().to_string());
  else if (answer && answer->status >= 300)
    spdlog::warn("job {}: ping_url: {} answered {}", job, redacted(url), answer->status);
}

asio::awaitable<void> job_pings::cancel_soon() {
  asio::steady_timer timer(loop_, std::chrono::seconds(3));
  const auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!ec) tasks_.cancel();
}

asio::awaitable<void> job_pings::stop() {
  task_group limit(loop_);
  limit.spawn("ping limit", cancel_soon());
  co_await tasks_.join();
  limit.cancel();
  co_await limit.join();
}

}  // namespace catwalk::daemon
