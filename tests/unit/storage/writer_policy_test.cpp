#include "storage/writer_policy.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace std::chrono_literals;
using kind = sink_reply::kind;

namespace {

sink_reply reply_of(kind what, std::string code = "") {
  sink_reply r;
  r.what = what;
  r.sqlstate_or_code = std::move(code);
  r.why = {errc::sink_rejected, "refused", "", r.sqlstate_or_code, ""};
  return r;
}

std::vector<outbox_key> rows(int n) {
  std::vector<outbox_key> all;
  all.reserve(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) all.push_back({product_id("p" + std::to_string(i)), i + 1});
  return all;
}

/// An outbox and a sink in memory, in virtual time: `refuse` decides on each request.
struct world {
  writer_policy policy;
  std::map<std::int64_t, outbox_key> waiting;
  std::map<std::int64_t, steady_time> kept_back;
  std::vector<dead_letter> dead;
  std::function<sink_reply(const std::vector<outbox_key>&)> answer;
  steady_time now{};
  int requests = 0;
  int probes = 0;
  std::vector<std::size_t> sizes;
  std::set<std::string> removals;  ///< keys of the rows that are to be removed

  world(int n, writer_policy::settings s, std::function<sink_reply(const std::vector<outbox_key>&)> a)
      : policy(s), answer(std::move(a)) {
    for (auto& row : rows(n)) waiting.emplace(row.seq, row);
  }

  std::vector<outbox_key> due(int limit) const {
    std::vector<outbox_key> found;
    for (const auto& [seq, row] : waiting) {
      const auto back = kept_back.find(seq);
      if (back != kept_back.end() && back->second > now) continue;
      if (static_cast<int>(found.size()) < limit) found.push_back(row);
    }
    return found;
  }

  void run_for(std::chrono::milliseconds time) {
    const auto end = now + time;
    while (now < end) {
      const auto step = policy.next(now);
      if (step.what == writer_policy::step::kind::wait) {
        now = std::min(step.until, end);
        continue;
      }
      std::vector<outbox_key> sent;
      if (step.what == writer_policy::step::kind::take) {
        sent = due(step.limit);
        if (sent.empty()) {
          now += 1s;
          continue;
        }
      } else {
        for (const auto& key : step.keys)
          for (const auto& [seq, row] : waiting)
            if (row.key == key) sent.push_back(row);
        if (sent.empty()) continue;
      }
      const auto removed = [&](const outbox_key& row) { return removals.count(row.key.str()) > 0; };
      const bool removal = removed(sent.front());
      // Rows of one kind go together, as the writer has it.
      const auto others = std::stable_partition(
          sent.begin(), sent.end(), [&](const outbox_key& row) { return removed(row) == removal; });
      std::vector<product_id> later;
      for (auto row = others; row != sent.end(); ++row) later.push_back(row->key);
      sent.erase(others, sent.end());
      if (step.what == writer_policy::step::kind::resend) policy.put_back(std::move(later));
      ++requests;
      probes += policy.parked() ? 1 : 0;
      sizes.push_back(sent.size());
      now += 50ms;
      const auto v = policy.on_reply(sent, answer(sent), now, removal);
      for (const auto& row : v.confirmed) waiting.erase(row.seq);
      for (const auto& row : v.postponed) kept_back[row.seq] = now + v.postpone_by;
      for (const auto& row : v.released) kept_back.erase(row.seq);
      for (const auto& letter : v.dead) {
        dead.push_back(letter);
        waiting.erase(letter.row.seq);
      }
    }
  }
};

writer_policy::settings settings_with(int batch) {
  writer_policy::settings s;
  s.batch = batch;
  s.seed = 7;
  return s;
}

bool holds(const std::vector<outbox_key>& sent, const std::string& key) {
  return std::any_of(sent.begin(), sent.end(), [&](auto& row) { return row.key.str() == key; });
}

}  // namespace

TEST_CASE("one poison row among 200 is found and dies alone") {
  for (const std::string poison : {"p0", "p57", "p150"}) {
    world w(200, settings_with(100), [&](const auto& sent) {
      return holds(sent, poison) ? reply_of(kind::bisect, "22P05") : reply_of(kind::accepted);
    });
    w.run_for(30s);
    INFO(poison);
    REQUIRE(w.dead.size() == 1);
    CHECK(w.dead[0].row.key.str() == poison);
    CHECK(w.dead[0].sink_code == "22P05");
    CHECK(w.waiting.empty());
    CHECK(w.requests < 20);
    CHECK_FALSE(w.policy.parked());
  }
}

TEST_CASE("wherever the poison row of a batch is, the others land within 12 requests") {
  for (int n = 0; n < 200; ++n) {
    const auto poison = "p" + std::to_string(n);
    world w(200, settings_with(200), [&](const auto& sent) {
      return holds(sent, poison) ? reply_of(kind::bisect, "22P05") : reply_of(kind::accepted);
    });
    int until_landed = 0;
    while (w.waiting.size() > 1 && until_landed == 0) {
      w.run_for(100ms);
      if (w.waiting.size() <= 1) until_landed = w.requests;
    }
    INFO(poison);
    CHECK(until_landed <= 12);
    w.run_for(11min);
    CHECK(w.dead.size() <= 1);
    CHECK(w.waiting.size() + w.dead.size() == 1);
  }
}

TEST_CASE("several poison rows in one batch die and no other does") {
  world w(200, settings_with(200), [&](const auto& sent) {
    return holds(sent, "p3") || holds(sent, "p99") || holds(sent, "p100") || holds(sent, "p199")
               ? reply_of(kind::bisect, "22P05")
               : reply_of(kind::accepted);
  });
  w.run_for(2min);
  CHECK(w.waiting.size() + w.dead.size() == 4);
  CHECK(w.dead.size() >= 3);
  CHECK(w.requests < 60);
}

TEST_CASE("a suspect lives until another row is accepted after it") {
  world w(1, settings_with(100), [](const auto& sent) {
    return holds(sent, "p0") ? reply_of(kind::bisect, "23502") : reply_of(kind::accepted);
  });
  w.run_for(30min);
  CHECK(w.dead.empty());
  CHECK(w.waiting.size() == 1);
  CHECK(w.requests <= 4);
  const outbox_key another{product_id("q"), 99};
  w.waiting.emplace(99, another);
  w.run_for(1min);
  REQUIRE(w.dead.size() == 1);
  CHECK(w.waiting.empty());
}

TEST_CASE("a table that refuses every row parks and loses none") {
  bool mended = false;
  world w(200, settings_with(100),
          [&](const auto&) { return mended ? reply_of(kind::accepted) : reply_of(kind::bisect, "23514"); });
  w.run_for(10min);
  CHECK(w.policy.parked());
  CHECK(w.dead.empty());
  CHECK(w.waiting.size() == 200);
  CHECK(w.probes <= 10);
  CHECK(w.probes >= 8);
  mended = true;
  w.run_for(20min);
  CHECK(w.waiting.empty());
  CHECK_FALSE(w.policy.parked());
  CHECK(w.dead.empty());
}

TEST_CASE("three bad rows that come first hold the others up for one probe alone") {
  const auto poison = rows(3);
  world w(40, settings_with(3), [&](const auto& sent) {
    return std::any_of(poison.begin(), poison.end(), [&](auto& row) { return holds(sent, row.key.str()); })
               ? reply_of(kind::bisect, "P0001")
               : reply_of(kind::accepted);
  });
  w.run_for(1min);
  CHECK(w.policy.parked());
  CHECK(w.dead.empty());
  w.run_for(30s);
  CHECK_FALSE(w.policy.parked());
  CHECK(w.waiting.empty());
  CHECK(w.dead.size() == 3);
  CHECK(w.probes == 1);
}

TEST_CASE("what a parked sink refused goes again when the table is mended") {
  bool mended = false;
  world w(3, settings_with(100),
          [&](const auto&) { return mended ? reply_of(kind::accepted) : reply_of(kind::bisect, "23502"); });
  w.run_for(5min);
  CHECK(w.policy.parked());
  const outbox_key another{product_id("q"), 99};
  w.waiting.emplace(99, another);
  mended = true;
  w.run_for(2min);
  CHECK(w.waiting.empty());
  CHECK(w.dead.empty());
}

TEST_CASE("removals that are accepted make no dead letters of rows that a table refuses") {
  for (const int changed : {2, 5}) {
    bool mended = false;
    std::set<std::string> removals;
    for (int i = changed; i < changed + 10; ++i) removals.insert("p" + std::to_string(i));
    world w(changed + 10, settings_with(100), [&](const auto& sent) {
      const bool accepted = mended || removals.count(sent.front().key.str()) > 0;
      return accepted ? reply_of(kind::accepted) : reply_of(kind::bisect, "23502");
    });
    w.removals = removals;
    w.run_for(15min);
    INFO(changed << " rows changed");
    CHECK(w.dead.empty());
    CHECK(w.waiting.size() == static_cast<std::size_t>(changed));  // what is to be removed is
    CHECK(w.policy.parked() == (changed == 5));
    mended = true;
    w.run_for(15min);
    CHECK(w.dead.empty());
    CHECK(w.waiting.empty());
    CHECK_FALSE(w.policy.parked());
  }
}

TEST_CASE("a removal that comes while rows that are written are refused does not end the parking") {
  bool mended = false;
  world w(200, settings_with(100), [&](const auto& sent) {
    const bool accepted = mended || sent.front().key.str()[0] == 'q';
    return accepted ? reply_of(kind::accepted) : reply_of(kind::bisect, "23502");
  });
  w.run_for(2min);
  CHECK(w.policy.parked());
  for (int i = 0; i < 50; ++i) {
    const outbox_key gone{product_id("q" + std::to_string(i)), i - 100};  // first in line
    w.waiting.emplace(gone.seq, gone);
    w.removals.insert(gone.key.str());
  }
  w.run_for(1min);
  CHECK(w.policy.parked());
  w.run_for(20min);
  CHECK(w.dead.empty());
  mended = true;
  w.run_for(20min);
  CHECK(w.waiting.empty());
  CHECK(w.dead.empty());
}

TEST_CASE("where removals alone were refused, one that is accepted ends the parking") {
  bool rotated = true;
  world w(500, settings_with(100),
          [&](const auto&) { return rotated ? reply_of(kind::park) : reply_of(kind::accepted); });
  for (const auto& row : rows(500)) w.removals.insert(row.key.str());
  w.run_for(5min);
  CHECK(w.policy.parked());
  rotated = false;
  w.run_for(2min);
  CHECK_FALSE(w.policy.parked());
  CHECK(w.waiting.empty());
  CHECK(w.sizes.back() == 99);
}

TEST_CASE("a parked sink is probed with one row a minute and resumes with whole batches") {
  bool rotated = true;
  world w(500, settings_with(100),
          [&](const auto&) { return rotated ? reply_of(kind::park) : reply_of(kind::accepted); });
  w.run_for(5min + 1s);
  CHECK(w.requests == 6);
  CHECK(std::all_of(w.sizes.begin() + 1, w.sizes.end(), [](auto n) { return n == 1; }));
  rotated = false;
  w.run_for(2min);
  CHECK(w.waiting.empty());
  CHECK(w.sizes.back() == 99);
}

TEST_CASE("a busy sink is asked less and less often, and as it wishes") {
  writer_policy p(settings_with(10));
  steady_time now{};
  std::chrono::milliseconds last{0};
  for (int i = 0; i < 12; ++i) {
    p.on_reply(rows(10), reply_of(kind::retry), now);
    const auto step = p.next(now);
    REQUIRE(step.what == writer_policy::step::kind::wait);
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(step.until - now);
    const auto most = std::min(300'000ms, 1'000ms * (1 << i));
    CHECK(waited <= most);
    CHECK(waited >= most / 2);
    last = waited;
    now = step.until;
  }
  auto polite = reply_of(kind::retry);
  polite.retry_after = 20min;
  p.on_reply(rows(10), polite, now);
  CHECK(p.next(now).until == now + 20min);
  p.on_reply(rows(10), reply_of(kind::accepted), now);
  CHECK(p.next(now).what == writer_policy::step::kind::take);
}

TEST_CASE("rows of an unknown outcome wait until the sink's statement has timed out") {
  writer_policy p(settings_with(10));
  auto lost = reply_of(kind::retry);
  lost.outcome_unknown = true;
  const auto v = p.on_reply(rows(3), lost, {});
  CHECK(v.postponed == rows(3));
  CHECK(v.postpone_by > 8s);
  CHECK(v.confirmed.empty());
}

TEST_CASE("a statement timeout halves the batch, which grows again") {
  std::size_t most = 20;
  world w(3000, settings_with(100), [&](const auto& sent) {
    return sent.size() > most ? reply_of(kind::halve, "57014") : reply_of(kind::accepted);
  });
  w.run_for(3s);
  CHECK(w.policy.batch() <= 40);
  CHECK(w.waiting.size() < 3000);
  most = 1000;
  w.run_for(5min);
  CHECK(w.waiting.empty());
  CHECK(w.policy.batch() == 100);
  CHECK(w.dead.empty());
}

namespace {

/// A policy that lets two batches of ten go beside each other, and two that do.
struct two_at_once {
  writer_policy policy{[] {
    auto s = settings_with(10);
    s.concurrency = 4;
    return s;
  }()};
  steady_time now{};
  std::vector<outbox_key> all = rows(20);
  std::vector<outbox_key> first{all.begin(), all.begin() + 10};
  std::vector<outbox_key> second{all.begin() + 10, all.end()};
  using step = writer_policy::step::kind;

  two_at_once() {
    for (int i = 0; i < 10; ++i)
      policy.on_reply(first, reply_of(kind::accepted), now, false, std::chrono::duration<double>(0.1));
    REQUIRE(policy.concurrency() == 2);
    REQUIRE(policy.next(now, 1).what == step::take);
    REQUIRE(policy.next(now, 2).what == step::join);
  }
};

}  // namespace

TEST_CASE_METHOD(two_at_once,
                 "after trouble the requests that are under way are awaited, and one goes alone") {
  const auto v = policy.on_reply(first, reply_of(kind::retry), now);
  CHECK(v.postponed == first);
  CHECK(policy.concurrency() == 1);
  CHECK_FALSE(policy.untroubled(now));
  CHECK(policy.next(now + 1h, 1).what == step::join);
  CHECK(policy.on_reply(second, reply_of(kind::accepted), now).confirmed == second);
  CHECK(policy.next(now, 0).what == step::wait);
  CHECK(policy.next(now + 2s, 0).what == step::take);
  CHECK(policy.next(now + 2s, 1).what == step::join);
}

TEST_CASE_METHOD(two_at_once, "an answer from before the sink parked is no probe") {
  CHECK(policy.on_reply(first, reply_of(kind::park), now).parked);
  SECTION("it was accepted") {
    const auto v = policy.on_reply(second, reply_of(kind::accepted), now);
    CHECK(v.confirmed == second);
    CHECK_FALSE(v.resumed);
  }
  SECTION("it was refused") {
    const auto v = policy.on_reply(second, reply_of(kind::bisect, "22P05"), now);
    CHECK(v.postponed == second);
    CHECK(v.postpone_by == 0ms);
    CHECK(v.dead.empty());
  }
  CHECK(policy.parked());
  CHECK(policy.next(now, 0).until == now + 1min);
}

TEST_CASE_METHOD(two_at_once,
                 "of two batches that are refused at once, one is looked into and the other goes again") {
  CHECK(policy.on_reply(first, reply_of(kind::bisect, "22P05"), now).postponed.empty());
  CHECK(policy.on_reply(second, reply_of(kind::bisect, "22P05"), now).postponed == second);
  const auto half = policy.next(now, 0);
  CHECK(half.what == step::resend);
  CHECK(half.keys.size() == 5);
  CHECK(policy.next(now, 1).what == step::join);
}

TEST_CASE_METHOD(two_at_once, "the longest wait that a sink asks for counts") {
  auto busy = reply_of(kind::retry);
  policy.on_reply(first, busy, now);
  busy.retry_after = 100s;
  policy.on_reply(second, busy, now);
  CHECK(policy.next(now, 0).until == now + 100s);
}
