#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <set>

#include "core/task_group.hpp"
#include "storage/outbox.hpp"
#include "storage/sink.hpp"
#include "storage/writer_policy.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;

namespace {

/// After an error of the state database itself.
constexpr std::chrono::seconds database_pause(5);
/// How long the writer rests at most without looking at the outbox again.
constexpr std::chrono::seconds longest_rest(60);
constexpr std::chrono::seconds count_at_most_every(1);

writer_policy::settings policy_for(const config::sink_settings& s, const sink& to) {
  writer_policy::settings p;
  p.batch = std::max(1, s.batch);
  p.concurrency = std::clamp(s.concurrency, 1, std::max(1, to.concurrency()));
  return p;
}

std::vector<outbox_key> keys_of(const std::vector<sink_row>& rows) {
  std::vector<outbox_key> keys;
  keys.reserve(rows.size());
  for (const auto& row : rows) keys.push_back({row.key, row.seq});
  return keys;
}

/// Rows of one shape go together: those to be removed, those with their vectors, those without them.
bool same_shape(const sink_row& a, const sink_row& b) {
  if (a.is_delete || b.is_delete) return a.is_delete == b.is_delete;
  return a.vector.has_value() == b.vector.has_value() && a.text.has_value() == b.text.has_value();
}

/// Leaves the rows that have the shape of the first one; returns the keys of the others.
std::vector<product_id> keep_one_shape(std::vector<sink_row>& rows) {
  const auto others =
      std::stable_partition(rows.begin(), rows.end(),
                            [first = rows.front()](const sink_row& row) { return same_shape(first, row); });
  std::vector<product_id> keys;
  for (auto row = others; row != rows.end(); ++row) keys.push_back(row->key);
  rows.erase(others, rows.end());
  return keys;
}

}  // namespace

class outbox_writer::impl {
 public:
  impl(asio::any_io_executor loop, std::shared_ptr<state_database> db, sink& to,
       const config::sink_settings& settings)
      : loop_(std::move(loop)),
        outbox_(std::move(db)),
        to_(to),
        policy_(policy_for(settings, to)),
        wake_(loop_),
        ended_(loop_),
        requests_(loop_) {
    ended_.expires_at(steady_time::max());
  }

  asio::awaitable<void> run() {
    std::exception_ptr why;
    try {
      co_await adopt();
      co_await drain();
    } catch (...) {
      why = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    requests_.cancel();
    co_await requests_.join();
    std::rethrow_exception(why);
  }

  void notify() {
    poked_ = true;
    idle_ = false;
    wake_.cancel();
    ended_.cancel();
  }

  asio::awaitable<bool> wait_until_idle(std::chrono::milliseconds at_most) {
    const auto deadline = steady_now() + at_most;
    const auto ended_before = waits_ended_;
    asio::steady_timer timer(loop_);
    struct registration {
      std::set<asio::steady_timer*>& all;
      asio::steady_timer* mine;
      ~registration() { all.erase(mine); }
    } registered{waiters_, &timer};
    waiters_.insert(&timer);
    while (!idle_) {
      if (waits_ended_ != ended_before || policy_.parked() || steady_now() >= deadline) co_return false;
      timer.expires_at(deadline);
      boost::system::error_code woken;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    co_return true;
  }

  void stop_waiting() {
    ++waits_ended_;
    for (auto* waiter : waiters_) waiter->cancel();
  }

  asio::awaitable<result<std::int64_t>> waiting_of(std::vector<site_name> sites) {
    return outbox_.waiting(std::move(sites));
  }

  writer_status status() const {
    auto s = status_;
    s.parked = policy_.parked();
    s.batch = policy_.batch();
    s.concurrency = policy_.concurrency();
    return s;
  }

 private:
  asio::awaitable<void> adopt() {
    for (;;) {
      auto name = to_.name();
      auto added = co_await outbox_.adopt_sink(std::move(name));
      if (added) {
        if (*added > 0) spdlog::info("{} is new: {} products of the catalogue go there", to_.name(), *added);
        co_return;
      }
      co_await database_failed(added.error());
    }
  }

  /// Never returns; ends by an exception when it is cancelled.
  asio::awaitable<void> drain() {
    using kind = writer_policy::step::kind;
    for (;;) {
      const auto step = policy_.next(steady_now(), under_way_);
      if (step.what == kind::wait)
        co_await wait_until(step.until);
      else if (step.what == kind::join)
        co_await a_request();
      else if (step.what == kind::take)
        co_await take(step.limit);
      else
        co_await resend(step.keys);
    }
  }

  /// Sends the rows that are due and of which none is under way; rests where there are none.
  asio::awaitable<void> take(int limit) {
    poked_ = false;
    const bool beside_others = under_way_ > 0;
    if (!beside_others) last_taken_ = 0;
    auto asked = outbox_.due(wall_now(), limit, last_taken_);
    auto rows = co_await std::move(asked);
    if (!rows) co_return co_await database_failed(rows.error());
    if (beside_others && !policy_.untroubled(steady_now())) co_return;
    // A product that has changed meanwhile waits until the sink has answered for what it was.
    std::erase_if(*rows, [this](const sink_row& row) { return keys_.contains(row.key); });
    if (rows->empty() && !beside_others) co_return co_await rest();
    // What is removed must not overtake what was written before it, nor be overtaken.
    if (rows->empty() || removing_ || (rows->front().is_delete && under_way_ > 0))
      co_return co_await a_request();
    keep_one_shape(*rows);
    start(std::move(*rows));
  }

  asio::awaitable<void> resend(const std::vector<product_id>& keys) {
    poked_ = false;
    auto asked = outbox_.fetch(keys);
    auto rows = co_await std::move(asked);
    if (!rows) co_return co_await database_failed(rows.error());
    if (rows->empty()) co_return;
    policy_.put_back(keep_one_shape(*rows));
    start(std::move(*rows));
  }

  void start(std::vector<sink_row> rows) {
    for (const auto& row : rows) {
      keys_.insert(row.key);
      last_taken_ = std::max(last_taken_, row.seq);
    }
    removing_ = rows.front().is_delete;
    ++under_way_;
    requests_.spawn("request to the sink", request(std::move(rows)));
  }

  /// Its rows are under way until it is on record what became of them.
  asio::awaitable<void> request(std::vector<sink_row> rows) {
    const struct departure {
      impl& self;
      const std::vector<sink_row>& rows;
      ~departure() {
        for (const auto& row : rows) self.keys_.erase(row.key);
        self.removing_ = false;
        --self.under_way_;
        self.ended_.cancel();
      }
    } departing{*this, rows};
    co_await send(rows);
  }

  /// Waits until a request has ended, where one is under way, or until there may be more to send.
  asio::awaitable<void> a_request() {
    if (under_way_ == 0) co_return;
    boost::system::error_code woken;
    co_await ended_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }

  asio::awaitable<void> send(const std::vector<sink_row>& rows) {
    const auto sent = keys_of(rows);
    const bool removal = rows.front().is_delete;
    const auto began = steady_now();
    auto request = removal ? to_.remove(rows) : to_.upsert(rows);
    auto reply = co_await std::move(request);
    const auto took = steady_now() - began;
    std::optional<product_id> other;
    if (reply.held_as) {
      auto settling = settle(rows.front(), reply);
      other = co_await std::move(settling);
    }
    auto v = policy_.on_reply(sent, reply, steady_now(), removal, took);
    if (other) set_aside(v, *other);
    report(reply, v);
    co_await keep(v, reply);
    if (steady_now() >= next_count_) co_await count();
    changed();
  }

  /// The sink has a row of this one's source and address. Where that is the product's own, under an older id,
  /// it is updated and keeps its id. Where it is another product's, that one keeps it, the sink is not at
  /// fault, and the other product is returned.
  asio::awaitable<std::optional<product_id>> settle(const sink_row& row, sink_reply& reply) {
    const auto held_as = *reply.held_as;
    auto other = co_await outbox_.other_holder(held_as, row.key);
    if (!other) {
      reply = {};
      reply.why = other.error();
      co_return std::nullopt;
    }
    if (*other) {
      reply = {};
      reply.what = sink_reply::kind::accepted;
      co_return std::move(**other);
    }
    std::vector<sink_row> again{row};
    again.front().item.id = product_id(held_as);
    auto answer = co_await to_.upsert(again);
    reply = std::move(answer);
    reply.held_as.reset();
    if (reply.what == sink_reply::kind::accepted) reply.older_ids.emplace_back(row.key, held_as);
    co_return std::nullopt;
  }

  /// The row that was sent becomes a dead letter: two products of one address cannot both be in the table.
  static void set_aside(writer_policy::verdict& v, const product_id& other) {
    for (auto& key : v.confirmed)
      v.dead.push_back(
          {std::move(key), "the sink holds another product of this address", "23505",
           "source and product_url are those of product " + other.str() +
               ", which is in the shop too; once it is gone, `catwalk failed retry` sends this one"});
    v.confirmed.clear();
  }

  void report(const sink_reply& reply, const writer_policy::verdict& v) {
    if (reply.what == sink_reply::kind::accepted) {
      status_.last_error.reset();
    } else {
      // Halving and bisecting are work in hand; what comes of them is reported.
      const bool waits = reply.what == sink_reply::kind::retry || reply.what == sink_reply::kind::park;
      if (waits && !status_.last_error) spdlog::warn("{}: {}", to_.name(), reply.why.to_string());
      status_.last_error = reply.why;
    }
    if (v.parked)
      spdlog::error("{}: {}; nothing is lost, rows wait in the outbox, one is tried every minute", to_.name(),
                    reply.why.to_string());
    for (const auto& id : reply.still_used)
      spdlog::warn(
          "{}: {} is gone from its shop, but something in the sink still points at its row, which stays",
          to_.name(), id.str());
    if (v.resumed) spdlog::info("{} accepts rows again", to_.name());
    for (const auto& letter : v.dead)
      spdlog::error("{}: {} became a dead letter: {}", to_.name(), letter.row.key.str(), letter.sink_words);
  }

  /// Writes down what became of the rows. What cannot be written down is sent again later, which does no
  /// harm.
  asio::awaitable<void> keep(const writer_policy::verdict& v, const sink_reply& reply) {
    if (!v.confirmed.empty()) {
      auto kept = co_await outbox_.confirm(v.confirmed, reply.older_ids);
      if (!kept) co_return co_await database_failed(kept.error());
      status_.sent += static_cast<std::int64_t>(v.confirmed.size());
      left(v.confirmed.size());
    }
    if (!v.postponed.empty()) {
      auto kept = co_await outbox_.postpone(v.postponed, wall_now() + v.postpone_by, reply.why);
      if (!kept) co_return co_await database_failed(kept.error());
    }
    if (!v.released.empty()) {
      auto kept = co_await outbox_.release(v.released);
      if (!kept) co_return co_await database_failed(kept.error());
    }
    if (!v.dead.empty()) {
      auto kept = co_await outbox_.bury(v.dead);
      if (!kept) co_return co_await database_failed(kept.error());
      status_.dead += static_cast<std::int64_t>(v.dead.size());
      left(v.dead.size());
    }
  }

  /// Between two counts the status goes by what leaves: a count looks at every row that waits, which after
  /// every batch would make the work of emptying the outbox grow with its square.
  void left(std::size_t rows) {
    status_.waiting = std::max<std::int64_t>(0, status_.waiting - static_cast<std::int64_t>(rows));
  }

  /// Nothing is due: waits for a notice, or for the next row that was kept back.
  asio::awaitable<void> rest() {
    const auto next = co_await count();
    if (poked_) co_return;
    idle_ = unheld_ <= static_cast<std::int64_t>(policy_.suspects());
    changed();
    auto until = steady_now() + longest_rest;
    if (next)
      until = std::min(until, steady_now() + std::max(*next - wall_now(), std::chrono::milliseconds(1)));
    co_await sleep_until(until);
  }

  /// Waits out a backoff or a parked minute; a notice only brings the counts up to date.
  asio::awaitable<void> wait_until(steady_time until) {
    idle_ = false;
    changed();
    auto next_count = steady_now();
    while (steady_now() < until) {
      if (steady_now() >= next_count) {
        co_await count();
        next_count = steady_now() + count_at_most_every;
      }
      poked_ = false;
      co_await sleep_until(until);
    }
  }

  asio::awaitable<void> sleep_until(steady_time until) {
    if (poked_) co_return;
    wake_.expires_at(until);
    boost::system::error_code woken;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }

  asio::awaitable<void> database_failed(error why) {
    spdlog::error("{}", why.to_string());
    status_.last_error = std::move(why);
    asio::steady_timer pause(loop_, database_pause);
    co_await pause.async_wait(asio::use_awaitable);
  }

  /// Brings the status up to date; returns when the next row that was kept back is due.
  asio::awaitable<std::optional<wall_time>> count() {
    auto counts = co_await outbox_.counts(wall_now());
    next_count_ = steady_now() + count_at_most_every;
    if (!counts) {
      status_.last_error = counts.error();
      co_return std::nullopt;
    }
    status_.waiting = counts->waiting;
    unheld_ = counts->waiting - counts->held;
    co_return counts->next_try;
  }

  void changed() {
    for (auto* waiter : waiters_) waiter->cancel();
  }

  asio::any_io_executor loop_;
  outbox outbox_;
  sink& to_;
  writer_policy policy_;
  asio::steady_timer wake_;
  asio::steady_timer ended_;     ///< never expires: a request that ends cancels the wait
  int under_way_ = 0;            ///< requests
  std::set<product_id> keys_;    ///< of their rows
  std::int64_t last_taken_ = 0;  ///< the newest version among those
  bool removing_ = false;        ///< what is under way is a removal
  std::set<asio::steady_timer*> waiters_;
  writer_status status_;
  std::int64_t unheld_ = 0;
  steady_time next_count_{};
  int waits_ended_ = 0;
  bool poked_ = false;
  bool idle_ = false;
  task_group requests_;
};

outbox_writer::outbox_writer(asio::any_io_executor loop, std::shared_ptr<state_database> db, sink& to,
                             const config::sink_settings& settings)
    : impl_(std::make_unique<impl>(std::move(loop), std::move(db), to, settings)) {}
outbox_writer::~outbox_writer() = default;

asio::awaitable<void> outbox_writer::run() {
  return impl_->run();
}
void outbox_writer::notify() {
  impl_->notify();
}
asio::awaitable<bool> outbox_writer::wait_until_idle(std::chrono::milliseconds at_most) {
  return impl_->wait_until_idle(at_most);
}
void outbox_writer::stop_waiting() {
  impl_->stop_waiting();
}
asio::awaitable<result<std::int64_t>> outbox_writer::waiting_of(std::vector<site_name> sites) {
  return impl_->waiting_of(std::move(sites));
}
writer_status outbox_writer::status() const {
  return impl_->status();
}

}  // namespace catwalk::storage
