#include <string_view>

#include "storage/catalogue.hpp"
#include "storage/page_transaction.hpp"
#include "storage/run_rows.hpp"
#include "storage/state_operations.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;
using sqlite::connection;

namespace {

constexpr std::string_view names[] = {"running", "done", "partly", "failed", "interrupted", "cancelled"};

}  // namespace

std::string_view name_of(run_state state) noexcept {
  return names[static_cast<std::size_t>(state)];
}

run_state run_state_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (names[i] == name) return static_cast<run_state>(i);
  return run_state::failed;
}

run_summary read_run(const sqlite::statement& row) {
  run_summary r{
      row.integer(0), row.text(1), from_millis(row.integer(2)), std::nullopt, run_state_named(row.text(4)),
      row.text(5),    row.text(6)};
  if (const auto finished = row.optional_integer(3)) r.finished = from_millis(*finished);
  return r;
}

std::optional<wall_time> read_slot(const sqlite::statement& row) {
  const auto slot = row.optional_integer(7);
  return slot ? std::optional(from_millis(*slot)) : std::nullopt;
}

asio::awaitable<result<run_id>> catalogue::begin_run(std::string job, std::optional<wall_time> slot) {
  auto work = [job = std::move(job), slot](connection& db) -> result<run_id> {
    const auto now = to_millis(wall_now());
    std::optional<std::int64_t> at;
    if (slot) {
      at = to_millis(*slot);
      auto s = db.prepare("select id, state from runs where job = ?1 and slot = ?2");
      s.bind(job, *at);
      if (s.step()) {
        const run_id id = s.integer(0);
        if (const auto state = s.text(1); state != "interrupted")
          return error{errc::invalid_argument, "cannot begin a run", job,
                       "the run of this slot is " + state + " already", ""};
        db.run("update runs set state = 'running', finished = null where id = ?1", id);
        return id;
      }
    }
    auto s = db.prepare(
        "insert into runs (job, slot, started, state) values (?1, ?2, ?3, 'running') returning id");
    s.bind(job, at, now);
    s.step();
    return run_id(s.integer(0));
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<void>> catalogue::end_run(run_id run, run_state state, std::string counts_json,
                                                 std::string errors_json) {
  auto work = [=](connection& db) -> result<void> {
    page_transaction rows(db, wall_now());
    // A run that broke off says nothing about the listings that it did not reach.
    if (state == run_state::done || state == run_state::partly)
      rows.settle(run, {});
    else
      rows.drop_deferred(run);
    const int changed =
        db.run("update runs set state = ?2, counts = ?3, errors = ?4, finished = ?5 where id = ?1", run,
               name_of(state), counts_json, errors_json, to_millis(wall_now()));
    if (changed == 0)
      return error{errc::not_found, "cannot end a run", std::to_string(run), "there is no such run", ""};
    if (state == run_state::partly || state == run_state::failed)
      db.run(
          "insert into events (run, at, kind) select id, finished, 'job_failed' from runs where id = ?1 and "
          "job <> 'manual'",
          run);
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<std::vector<run_summary>>> catalogue::recent_runs(int limit) {
  auto work = [limit](connection& db) -> result<std::vector<run_summary>> {
    std::vector<run_summary> runs;
    auto s = db.prepare(std::string(run_columns) + "order by started desc, id desc limit ?1");
    s.bind(limit);
    while (s.step()) runs.push_back(read_run(s));
    return runs;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::optional<run_summary>>> catalogue::find_run(run_id run) {
  auto work = [run](connection& db) -> result<std::optional<run_summary>> {
    auto s = db.prepare(std::string(run_columns) + "where id = ?1");
    s.bind(run);
    if (!s.step()) return std::optional<run_summary>();
    return std::optional<run_summary>(read_run(s));
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<std::vector<taken_slot>>> catalogue::taken_slots() {
  auto work = [](connection& db) -> result<std::vector<taken_slot>> {
    std::vector<taken_slot> slots;
    auto s = db.prepare(
        "select job, slot, state from (select job, slot, state, row_number() over (partition by job order by "
        "slot desc) as n from runs where slot is not null) where n <= 200 order by slot desc");
    while (s.step())
      slots.push_back(
          {s.text(0), from_millis(s.integer(1)), run_state_named(s.text(2)) == run_state::interrupted});
    return slots;
  };
  co_return co_await db_->internals().read(std::move(work));
}

asio::awaitable<result<int>> catalogue::close_interrupted_runs() {
  auto work = [](connection& db) -> result<int> {
    db.run("delete from deferred_products where waits = 0");
    return db.run("update runs set state = 'interrupted', finished = ?1 where state = 'running'",
                  to_millis(wall_now()));
  };
  co_return co_await db_->internals().write(std::move(work));
}

asio::awaitable<result<void>> catalogue::note_site_success(site_name site, wall_time when) {
  auto work = [site = std::move(site), when](connection& db) -> result<void> {
    db.run(
        "insert into sites (name, last_success) values (?1, ?2) on conflict (name) do update set "
        "last_success = max(coalesce(last_success, 0), excluded.last_success)",
        site.str(), to_millis(when));
    return {};
  };
  co_return co_await db_->internals().write(std::move(work));
}

}  // namespace catwalk::storage
