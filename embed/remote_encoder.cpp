#include "embed/remote_encoder.hpp"

#include <atomic>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cmath>
#include <deque>
#include <optional>

#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "core/offload.hpp"
#include "core/url.hpp"
#include "embed/remote_answer.hpp"

namespace catwalk::embed {
namespace {

namespace asio = boost::asio;

/// So many at a time, people before the catalogue, each in its order. Loop-only.
class turnstile {
 public:
  turnstile(asio::any_io_executor loop, int places) : loop_(std::move(loop)), free_(places) {}

  /// Suspends until there is a place; false when the coroutine was cancelled first.
  asio::awaitable<bool> enter(lane who) {
    if (free_ > 0) {
      --free_;
      co_return true;
    }
    const auto ticket = std::make_shared<waiting>(loop_);
    line(who).push_back(ticket);
    while (!ticket->called) {
      boost::system::error_code ignored;
      co_await ticket->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() == asio::cancellation_type::none) continue;
      if (ticket->called) leave();
      std::erase(line(who), ticket);
      co_return false;
    }
    co_return true;
  }

  void leave() {
    for (auto* waits : {&queries_, &bulk_}) {
      if (waits->empty()) continue;
      const auto next = std::move(waits->front());
      waits->pop_front();
      next->called = true;  // the place is theirs
      next->timer.cancel();
      return;
    }
    ++free_;
  }

  std::size_t waiting_in(lane who) const { return who == lane::bulk ? bulk_.size() : queries_.size(); }

 private:
  struct waiting {
    explicit waiting(const asio::any_io_executor& loop)
        : timer(loop, asio::steady_timer::time_point::max()) {}
    asio::steady_timer timer;
    bool called = false;
  };
  using waiting_line = std::deque<std::shared_ptr<waiting>>;
  waiting_line& line(lane who) { return who == lane::bulk ? bulk_ : queries_; }

  asio::any_io_executor loop_;
  int free_;
  waiting_line queries_, bulk_;
};

http_client_options client_options(const remote_options& o) {
  http_client_options c;
  c.name = "remote encoder";
  c.user_agent = "catwalk/" CATWALK_VERSION;
  c.guard_addresses = false;
  c.http_proxy = o.http_proxy;
  c.https_proxy = o.https_proxy;
  c.no_proxy = o.no_proxy;
  c.max_connections = o.concurrency;
  c.max_connections_per_host = o.concurrency;
  return c;
}

std::optional<std::chrono::seconds> retry_after(const http_response& response) {
  const auto value = response.headers.find("retry-after");
  int seconds = 0;
  if (!value) return std::nullopt;
  const auto [end, failure] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (failure != std::errc() || end != value->data() + value->size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(seconds);
}

/// The beginning of an answer that is no success, for the error: one line of it.
std::string words_of(const http_response& response) {
  constexpr std::size_t most = 160;
  auto text = response.body.substr(0, most);
  text = text.substr(0, text.find_first_of("\r\n"));
  return "it answered " + std::to_string(response.status) + (text.empty() ? "" : ": " + text);
}

class remote_encoder final : public image_encoder {
 public:
  remote_encoder(asio::any_io_executor loop, asio::any_io_executor cpu, remote_options options)
      : loop_(loop),
        cpu_(std::move(cpu)),
        options_(std::move(options)),
        service_(redacted(options_.url)),
        http_(loop, client_options(options_)),
        retry_(options_.retry),
        places_(loop, options_.concurrency) {
    info_.name = options_.model;
    info_.architecture = "remote";
    info_.dim = options_.dim;
    info_.fingerprint = "remote:" + service_ + "#" + options_.model;
    info_.normalise = options_.normalise;
  }

  asio::awaitable<result<embedding>> encode(std::string bytes, std::string name, lane who) override {
    return encode_view(std::move(bytes), std::move(name), who, {});
  }

  asio::awaitable<result<embedding>> encode_view(std::string bytes, std::string name, lane who,
                                                 picture_view view) override {
    if (who == lane::interactive && places_.waiting_in(who) >= options_.waiting_queries)
      co_return failure(errc::queue_full, name, "too many queries are waiting already",
                        "try again in a moment");
    const bool throwing = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    ++waiting_;
    waiting_bytes_ += bytes.size();
    const auto size = bytes.size();
    std::optional<result<embedding>> outcome;
    auto entering = places_.enter(who);
    if (co_await std::move(entering)) {
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() == asio::cancellation_type::none) {
        auto asking = ask(std::move(bytes), name, view);
        outcome = co_await std::move(asking);
      }
      places_.leave();
    }
    if (!outcome) outcome.emplace(failure(errc::cancelled, name, "the caller went away"));
    --waiting_;
    waiting_bytes_ -= size;
    ++(*outcome ? done_ : failed_);
    co_await asio::this_coro::throw_if_cancelled(throwing);
    co_return std::move(*outcome);
  }

  const model_info& model() const noexcept override { return info_; }

  encoder_stats stats() const noexcept override {
    encoder_stats s;
    s.images_done = done_;
    s.images_failed = failed_;
    s.batches = requests_;
    s.queue_items = waiting_;
    s.queue_bytes = waiting_bytes_;
    s.forward_seconds = static_cast<double>(busy_ms_) / 1000;
    return s;
  }

  /// Nothing runs here but the callers' coroutines.
  void close() override {}

 private:
  error failure(errc code, const std::string& on, std::string why, std::string hint = {}) const {
    return {code, "cannot embed image", on, std::move(why), std::move(hint)};
  }

  asio::awaitable<result<embedding>> ask(std::string bytes, std::string name, picture_view view) {
    const bool has_address = view.whole() && parse_url(name).has_value();
    if (has_address) {
      auto answer = co_await ask_until_it_answers(remote_request_by_address(name), name);
      // What the service cannot get by itself it gets from here; a server's own trouble would stay the same.
      const bool cannot_get = !answer && answer.error().code == errc::remote_encoder &&
                              answer.error().http_status >= 400 && answer.error().http_status < 500 &&
                              answer.error().http_status != 401 && answer.error().http_status != 429;
      if (!cannot_get) co_return answer;
    }
    auto write = [&bytes, view] { return remote_request_by_bytes(bytes, view); };
    auto writing = offload(cpu_, std::move(write));
    auto body = co_await std::move(writing);
    // Offloaded work ends before a cancellation does.
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
      co_return failure(errc::cancelled, name, "the caller went away");
    co_return co_await ask_until_it_answers(std::move(body), name);
  }

  asio::awaitable<result<embedding>> ask_until_it_answers(std::string body, std::string name) {
    for (int attempt = 1;; ++attempt) {
      std::optional<std::chrono::seconds> told;
      auto answer = co_await ask_once(body, name, told);
      if (answer || answer.error().code == errc::cancelled) co_return answer;
      const auto wait = retry_.wait(answer.error(), attempt, told);
      if (!wait) co_return answer;
      asio::steady_timer timer(loop_, *wait);
      boost::system::error_code ec;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      if (ec) co_return failure(errc::cancelled, name, "the caller went away");
    }
  }

  asio::awaitable<result<embedding>> ask_once(std::string body, const std::string& name,
                                              std::optional<std::chrono::seconds>& told) {
    http_request request;
    request.method = "POST";
    request.url = options_.url;
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Accept", "application/json");
    if (!options_.token.empty()) request.headers.add("Authorization", "Bearer " + options_.token);
    request.body = std::move(body);
    request.timeout = options_.timeout;
    request.max_bytes = 4'000'000;
    request.max_redirects = 0;
    const auto begun = steady_now();
    ++requests_;
    auto response = co_await http_.fetch(std::move(request));
    busy_ms_ += std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - begun).count();
    if (!response) {
      auto e = response.error();
      if (e.code != errc::cancelled) {
        e.what = "the remote encoder does not answer";
        e.on = name;
        e.why = service_ + ": " + e.why;
        e.hint = "check embed.remote.url and embed.remote.timeout";
      }
      co_return e;
    }
    if (response->status != 200) {
      told = retry_after(*response);
      auto e = failure(errc::remote_encoder, name, service_ + ": " + words_of(*response),
                       response->status == 401 || response->status == 403 ? "check embed.remote.token" : "");
      e.http_status = response->status;
      co_return e;
    }
    auto values = read_remote_answer(response->body, info_.dim, service_);
    if (!values) co_return values.error();
    if (info_.dim == 0) info_.dim = static_cast<int>(values->size());
    if (options_.normalise) to_length_one(*values);
    co_return embedding{std::move(*values), info_.fingerprint, info_.name, {"", "", "remote", false}};
  }

  static void to_length_one(std::vector<float>& values) {
    double square = 0;
    for (const float v : values) square += static_cast<double>(v) * static_cast<double>(v);
    const double length = std::sqrt(square);
    // What has length 1 already stays as the service wrote it.
    if (std::abs(length - 1) < 1e-5) return;
    for (float& v : values) v = static_cast<float>(static_cast<double>(v) / length);
  }

  asio::any_io_executor loop_, cpu_;
  const remote_options options_;
  const std::string service_;  ///< the address, without what in it could be a secret
  http_client http_;
  remote_retry retry_;
  turnstile places_;
  model_info info_;
  std::atomic<std::uint64_t> done_{0}, failed_{0}, requests_{0};
  std::atomic<std::size_t> waiting_{0}, waiting_bytes_{0};
  std::atomic<std::int64_t> busy_ms_{0};
};

}  // namespace

std::unique_ptr<image_encoder> make_remote_encoder(asio::any_io_executor loop, asio::any_io_executor cpu,
                                                   remote_options options) {
  return std::make_unique<remote_encoder>(std::move(loop), std::move(cpu), std::move(options));
}

}  // namespace catwalk::embed
