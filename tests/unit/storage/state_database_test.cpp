#include "storage/state_database.hpp"

#include <sys/stat.h>

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <fstream>
#include <future>
#include <limits>

#include "storage/state_schema.hpp"
#include "storage/vector_blob.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

error open_error(const fs::path& dir, bool read_only = false) {
  state_options options;
  options.dir = dir;
  options.read_only = read_only;
  auto db = state_database::open(options);
  if (db) FAIL("it opened");
  return db.error();
}

mode_t mode_of(const fs::path& file) {
  struct stat s {};
  REQUIRE(::stat(file.c_str(), &s) == 0);
  return s.st_mode & 0777;
}

void overwrite(const fs::path& file, std::streamoff at, const std::string& bytes) {
  std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
  f.seekp(at);
  f << bytes;
}

asio::awaitable<result<void>> put(state_database& db, std::string name, std::string value) {
  auto work = [name, value](sqlite::connection& c) -> result<void> {
    c.run("insert into facts (name, value) values (?1, ?2)", name, value);
    return {};
  };
  co_return co_await db.internals().write(work);
}

asio::awaitable<result<std::string>> get(state_database& db, std::string name) {
  auto work = [name](sqlite::connection& c) -> result<std::string> {
    auto s = c.prepare("select value from facts where name = ?1");
    s.bind(name);
    return s.step() ? s.text(0) : std::string();
  };
  co_return co_await db.internals().read(work);
}

}  // namespace

TEST_CASE("the state folder and its files are their owner's alone") {
  temporary_folder folder;
  const auto dir = folder.path() / "deep" / "state";
  auto db = open_state(dir);
  value_of(wait_for(put(*db, "a", "1")));
  CHECK(mode_of(dir) == 0700);
  for (const char* name : {"catwalk.sqlite3", "catwalk.sqlite3-wal", "catwalk.lock", "ballast"})
    CHECK(mode_of(dir / name) == 0600);
  CHECK(fs::file_size(dir / "ballast") == 16'000'000);
}

TEST_CASE("a new database has pages of 8 KB") {
  temporary_folder folder;
  { auto db = open_state(folder.path()); }
  sqlite::connection db(folder.path() / "catwalk.sqlite3", sqlite::connection::mode::read_only);
  auto size = db.prepare("pragma page_size");
  REQUIRE(size.step());
  CHECK(size.integer(0) == 8192);
}

TEST_CASE("statements that differ in a character alone are different ones") {
  temporary_folder folder;
  { auto db = open_state(folder.path()); }
  sqlite::connection db(folder.path() / "catwalk.sqlite3", sqlite::connection::mode::read_only);
  const std::string sql =
      "select 0 as number where 'a statement' <> 'that is long enough to be cached by its parts'";
  for (int round = 0; round < 2; ++round)
    for (char digit = '0'; digit <= '9'; ++digit) {
      auto wanted = sql;
      wanted[7] = digit;
      auto s = db.prepare(wanted);
      REQUIRE(s.step());
      CHECK(s.integer(0) == digit - '0');
    }
}

TEST_CASE("where a group may read the folder, it may read the database too") {
  temporary_folder folder;
  const auto dir = folder.path() / "state";
  { auto db = open_state(dir); }
  CHECK(mode_of(dir / "catwalk.sqlite3") == 0600);
  fs::permissions(dir, fs::perms(0750));
  auto db = open_state(dir);
  value_of(wait_for(put(*db, "a", "1")));
  for (const char* name : {"catwalk.sqlite3", "catwalk.sqlite3-wal", "catwalk.sqlite3-shm"})
    CHECK(mode_of(dir / name) == 0640);
  CHECK(mode_of(dir / "catwalk.lock") == 0600);
}

TEST_CASE("a second process is refused and told who holds the folder") {
  temporary_folder folder;
  auto db = open_state(folder.path());
  const auto e = open_error(folder.path());
  CHECK(name_of(e.code) == "state_locked");
  CHECK(e.why.find("process " + std::to_string(::getpid())) != std::string::npos);
  auto reader = open_state(folder.path(), true);
  db->close();
  CHECK(open_state(folder.path()) != nullptr);
}

TEST_CASE("what was written is there after the database was not closed") {
  temporary_folder first, second;
  auto db = open_state(first.path());
  value_of(wait_for(put(*db, "a", "1")));
  // As a crash leaves them: the database, and the write-ahead log that was never checkpointed.
  for (const char* name : {"catwalk.sqlite3", "catwalk.sqlite3-wal"})
    fs::copy_file(first.path() / name, second.path() / name);
  auto after = open_state(second.path());
  CHECK(value_of(wait_for(get(*after, "a"))) == "1");
}

TEST_CASE("a reader beside the daemon sees what is committed and cannot write") {
  temporary_folder folder;
  CHECK(name_of(open_error(folder.path(), true).code) == "not_found");
  auto db = open_state(folder.path());
  value_of(wait_for(put(*db, "a", "1")));
  auto reader = open_state(folder.path(), true);
  CHECK(value_of(wait_for(get(*reader, "a"))) == "1");
  CHECK(name_of(wait_for(put(*reader, "b", "2")).error().code) == "invalid_argument");
}

TEST_CASE("one failing operation does not spoil the group that it is in") {
  temporary_folder folder;
  auto db = open_state(folder.path());
  // The writer is busy until all are waiting, so that they form one group.
  asio::io_context loop;
  std::promise<void> all_wait;
  auto busy = [&]() -> asio::awaitable<void> {
    auto work = [&](sqlite::connection&) -> result<void> {
      all_wait.get_future().wait();
      return {};
    };
    co_await db->internals().write(work);
  };
  std::array<bool, 4> ok{};
  auto one = [&](std::size_t i) -> asio::awaitable<void> {
    auto work = [i](sqlite::connection& c) -> result<void> {
      c.run("insert into facts (name, value) values (?1, 'x')", "n" + std::to_string(i));
      if (i == 1) c.execute("insert into no_such_table values (1)");
      if (i == 2) return error{errc::not_found, "gave up", "", "", ""};
      return {};
    };
    ok[i] = (co_await db->internals().write(work)).has_value();
  };
  auto first = asio::co_spawn(loop, busy(), asio::use_future);
  std::vector<std::future<void>> all;
  for (std::size_t i = 0; i < ok.size(); ++i) all.push_back(asio::co_spawn(loop, one(i), asio::use_future));
  asio::post(loop, [&] { all_wait.set_value(); });
  loop.run();
  for (auto& f : all) f.get();
  CHECK(ok == std::array<bool, 4>{true, false, false, true});
  CHECK(value_of(wait_for(get(*db, "n0"))) == "x");
  CHECK(value_of(wait_for(get(*db, "n1"))).empty());
  CHECK(value_of(wait_for(get(*db, "n2"))).empty());
  CHECK(value_of(wait_for(get(*db, "n3"))) == "x");
}

TEST_CASE("a full disk gives up the ballast, then fails the operation and keeps the rest") {
  temporary_folder folder;
  state_options options;
  options.dir = folder.path();
  options.min_free =
      std::numeric_limits<std::uint64_t>::max() / 2;  // so that the ballast is not made again at once
  auto db = value_of(state_database::open(options));
  CHECK(fs::exists(folder.path() / "ballast"));
  auto fill = [](sqlite::connection& c) -> result<void> {
    c.execute("pragma max_page_count=64");
    c.run("insert into facts (name, value) values ('big', ?1)", std::string(1'000'000, 'x'));
    return {};
  };
  const auto e = wait_for(db->internals().write(fill)).error();
  CHECK(name_of(e.code) == "disk_full");
  CHECK(!e.hint.empty());
  CHECK_FALSE(fs::exists(folder.path() / "ballast"));
  auto lift = [](sqlite::connection& c) -> result<void> {
    c.execute("pragma max_page_count=1000000");
    return {};
  };
  value_of(wait_for(db->internals().write(lift)));
  value_of(wait_for(put(*db, "a", "1")));
  CHECK(value_of(wait_for(get(*db, "a"))) == "1");
}

TEST_CASE("intake pauses below the free space that was asked for") {
  temporary_folder folder;
  state_options options;
  options.dir = folder.path();
  options.min_free = std::numeric_limits<std::uint64_t>::max() / 2;
  auto db = value_of(state_database::open(options));
  CHECK(db->intake_paused());
  db->close();
  CHECK_FALSE(open_state(folder.path())->intake_paused());
}

TEST_CASE("a coroutine that is cancelled while it waits leaves the operation to its end") {
  temporary_folder folder;
  auto db = open_state(folder.path());
  asio::io_context loop;
  asio::cancellation_signal stop;
  bool resumed = false;
  auto task = [&]() -> asio::awaitable<void> {
    auto done = co_await put(*db, "a", "1");
    resumed = done.has_value();
  };
  asio::co_spawn(loop, task(), asio::bind_cancellation_slot(stop.slot(), [](const std::exception_ptr&) {}));
  loop.poll_one();
  stop.emit(asio::cancellation_type::terminal);
  loop.run();
  CHECK(value_of(wait_for(get(*db, "a"))) == "1");
}

TEST_CASE("a database of a newer catwalk is refused") {
  temporary_folder folder;
  open_state(folder.path())->close();
  {
    sqlite::connection c(folder.path() / "catwalk.sqlite3", sqlite::connection::mode::read_write);
    c.execute("pragma user_version=99");
  }
  CHECK(name_of(open_error(folder.path()).code) == "state_newer");
  CHECK(name_of(open_error(folder.path(), true).code) == "state_newer");
}

TEST_CASE("a migration copies the database first and can be told from its version") {
  temporary_folder folder;
  const auto file = folder.path() / "db";
  std::ofstream(file).close();
  sqlite::connection c(file, sqlite::connection::mode::read_write);
  const std::array<std::string_view, 1> one{"create table t (x)"};
  const std::array<std::string_view, 2> two{one[0], "alter table t add column y"};
  const std::array<std::string_view, 3> bad{two[0], two[1], "insert into missing values (1)"};
  value_of(migrate(c, file, one));
  CHECK_FALSE(fs::exists(file.string() + ".before-v1"));
  c.execute("insert into t values (7)");
  value_of(migrate(c, file, two));
  CHECK(fs::exists(file.string() + ".before-v2"));
  CHECK(migrate(c, file, bad).has_error());
  auto s = c.prepare("pragma user_version");
  s.step();
  CHECK(s.integer(0) == 2);
  CHECK(name_of(migrate(c, file, one).error().code) == "state_newer");
  sqlite::connection copy(file.string() + ".before-v2", sqlite::connection::mode::read_only);
  auto row = copy.prepare("select * from t");
  REQUIRE(row.step());
  CHECK(row.integer(0) == 7);
}

TEST_CASE("a state of any version before is brought up to this one, and can be gone back to") {
  const auto steps = state_migrations();
  for (std::size_t version = 1; version < steps.size(); ++version) {
    INFO("version " << version);
    temporary_folder folder;
    const auto file = folder.path() / "catwalk.sqlite3";
    std::ofstream(file).close();
    {
      sqlite::connection old(file, sqlite::connection::mode::read_write);
      value_of(migrate(old, file, steps.first(version)));
      old.execute("insert into runs (job, slot, started, state) values ('nightly', 7, 1, 'done')");
    }
    open_state(folder.path())->close();
    sqlite::connection now(file, sqlite::connection::mode::read_write);
    auto kept = now.prepare("select count(*) from runs where job = 'nightly'");
    REQUIRE(kept.step());
    CHECK(kept.integer(0) == 1);
    // The version before meets what this one made of its state, and is told what to restore.
    const auto refused = migrate(now, file, steps.first(version));
    REQUIRE(refused.has_error());
    CHECK(name_of(refused.error().code) == "state_newer");
    const auto copy = file.string() + ".before-v" + std::to_string(version + 1);
    CHECK(refused.error().hint.find("catwalk state restore " + copy) != std::string::npos);
    sqlite::connection back(copy, sqlite::connection::mode::read_write);
    value_of(migrate(back, copy, steps.first(version)));
    auto run = back.prepare("select count(*) from runs where job = 'nightly'");
    REQUIRE(run.step());
    CHECK(run.integer(0) == 1);
  }
}

TEST_CASE("a new database is made without copies of what it was on the way") {
  temporary_folder folder;
  state_options options;
  options.dir = folder.path();
  value_of(state_database::open(options))->close();
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    INFO(entry.path().string());
    CHECK(entry.path().filename().string().find(".before-v") == std::string::npos);
  }
}

TEST_CASE("a damaged database is refused and left as it is") {
  temporary_folder folder;
  const auto file = folder.path() / "catwalk.sqlite3";
  {
    state_fixture filled;
    const auto run = filled.begin();
    std::vector<product> many;
    many.reserve(200);
    for (int i = 0; i < 200; ++i) many.push_back(state_fixture::make(std::to_string(i)));
    filled.commit(run, many);
    filled.db->close();
    fs::copy_file(filled.folder.path() / "catwalk.sqlite3", file);
  }
  const auto size = fs::file_size(file);
  SECTION("garbage in its header") {
    overwrite(file, 0, std::string(100, '\x5a'));
  }
  SECTION("garbage in its pages") {
    overwrite(file, 8192, std::string(60'000, '\x5a'));
  }
  SECTION("cut short") {
    fs::resize_file(file, size / 2);
  }
  SECTION("empty") {
    fs::resize_file(file, 0);
  }
  const auto before = fs::file_size(file);
  const auto e = open_error(folder.path());
  CHECK(name_of(e.code) == "state_damaged");
  CHECK(e.hint.find("keep a copy of the folder") != std::string::npos);
  CHECK(fs::file_size(file) == before);
}

TEST_CASE("another program's database is refused") {
  temporary_folder folder;
  const auto file = folder.path() / "catwalk.sqlite3";
  std::ofstream(file).close();
  {
    sqlite::connection c(file, sqlite::connection::mode::read_write);
    c.execute("create table photographs (x)");
  }
  CHECK(name_of(open_error(folder.path()).code) == "state_damaged");
}

TEST_CASE("vectors are stored bit by bit, with CRC-32C") {
  CHECK(crc32c("123456789") == 0xE3069283);  // the check value of CRC-32/ISCSI
  const std::vector<float> values{1.5f, -0.0f, 1e-45f, std::numeric_limits<float>::infinity(), 0.1f};
  const auto blob = to_blob(values);
  CHECK(blob[0] == 0x00);
  CHECK(blob[3] == 0x3f);
  const std::string_view bytes(reinterpret_cast<const char*>(blob.data()), blob.size());
  const auto back = from_blob(bytes);
  REQUIRE(back);
  CHECK(to_blob(*back) == blob);
  CHECK_FALSE(from_blob(bytes.substr(0, 5)));
}
