// Pages whose commits may wait for each other share one transaction.
#include <chrono>
#include <fstream>
#include <iterator>

#include "core/task_group.hpp"
#include "tests/unit/storage/state_fixture.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace catwalk::storage::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using strings = std::vector<std::string>;

namespace {

/// How many transactions the write-ahead log holds: each ends with a frame that tells the database's size.
/// (https://www.sqlite.org/fileformat2.html#walformat: a header of 32 bytes, frames of 24 and a page.)
int transactions_in_log(const fs::path& dir) {
  constexpr std::size_t header = 32, frame_header = 24;
  std::ifstream file(dir / "catwalk.sqlite3-wal", std::ios::binary);
  const std::string log((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(log[at + i]);
    return value;
  };
  if (log.size() < header) return 0;
  int commits = 0;
  for (std::size_t at = header; at + frame_header <= log.size(); at += frame_header + number(8))
    commits += number(at + 4) != 0 ? 1 : 0;
  return commits;
}

/// Commits pages of one product each that may wait, and notes how each ended, in the order in which they did.
struct waiting_pages : state_fixture {
  asio::io_context loop;
  task_group tasks{loop.get_executor()};
  run_id run = begin();
  strings ended;
  bool looks_at_disk = true;
  bool all_durable = true;  ///< each, when its commit was told

  asio::awaitable<void> commit_one(std::string id, std::string price, std::chrono::milliseconds patience) {
    page_commit page;
    page.run = run;
    page.page.site = site_name("Shop");
    page.page.endpoint = "https://shop.test/list";
    page.page.url = "https://shop.test/p/" + id;
    page.page.listed.emplace_back("id-" + id);
    page.products = {make(id, price)};
    page.fingerprint = "tower";
    const auto counts = co_await products.commit_page(std::move(page), patience);
    ended.push_back(id + ' ' + (counts ? "committed" : std::string(name_of(counts.error().code))));
    if (counts && looks_at_disk) all_durable = all_durable && survives_a_crash(id);
  }

  void start(const std::string& id, const std::string& price = "10USD",
             std::chrono::milliseconds patience = 1h) {
    tasks.spawn("page", commit_one(id, price, patience));
  }

  asio::awaitable<void> hurry_when_all_wait() {
    co_await asio::post(loop, asio::use_awaitable);
    products.hurry();
  }

  void run_loop() {
    loop.run();
    loop.restart();
  }

  /// Whether the product is there in what a crash would leave now.
  bool survives_a_crash(const std::string& id) {
    temporary_folder left;
    for (const char* name : {"catwalk.sqlite3", "catwalk.sqlite3-wal"})
      fs::copy_file(folder.path() / name, left.path() / name);
    catalogue after(open_state(left.path()));
    return value_of(wait_for(after.find(product_id("id-" + id)))).has_value();
  }

  strings pages_known() {
    strings known;
    for (const char* id : {"a", "b", "c"}) {
      const std::string url = std::string("https://shop.test/p/") + id;
      auto find = products.find_page(site_name("Shop"), "https://shop.test/list", url);
      if (value_of(wait_for(std::move(find)))) known.emplace_back(id);
    }
    return known;
  }
};

}  // namespace

TEST_CASE_METHOD(waiting_pages, "pages that may wait go into one transaction, and each is told of its end") {
  const int before = transactions_in_log(folder.path());
  for (const char* id : {"a", "b", "c"}) start(id);
  tasks.spawn("hurry", hurry_when_all_wait());
  run_loop();
  CHECK(ended == strings{"a committed", "b committed", "c committed"});
  CHECK(all_durable);
  CHECK(pages_known() == strings{"a", "b", "c"});
  CHECK(outbox() == strings{"id-a:upsert:1:1", "id-b:upsert:1:1", "id-c:upsert:1:1"});
  CHECK(transactions_in_log(folder.path()) == before + 1);
}

TEST_CASE_METHOD(waiting_pages, "a page that fails leaves those whole that shared its transaction") {
  execute(
      "create trigger t before insert on pages when new.url = 'https://shop.test/p/b' begin "
      "select raise(abort, 'no'); end");
  for (const char* id : {"a", "b", "c"}) start(id);
  tasks.spawn("hurry", hurry_when_all_wait());
  run_loop();
  CHECK(ended == strings{"a committed", "b database", "c committed"});
  CHECK(all_durable);
  CHECK(pages_known() == strings{"a", "c"});
  CHECK(outbox() == strings{"id-a:upsert:1:1", "id-c:upsert:1:1"});
  CHECK_FALSE(value_of(wait_for(products.find(product_id("id-b")))));
}

TEST_CASE_METHOD(waiting_pages, "pages of one transaction are written in the order of their commits") {
  for (const char* price : {"10USD", "9USD", "8USD"}) start("a", price);
  tasks.spawn("hurry", hurry_when_all_wait());
  run_loop();
  CHECK(entry("a").item.price == "8USD");
}

TEST_CASE_METHOD(waiting_pages, "an operation that cannot wait takes along those that wait before it") {
  start("a");
  start("b", "10USD", 0ms);
  run_loop();
  CHECK(ended == strings{"a committed", "b committed"});
}

TEST_CASE_METHOD(waiting_pages, "patience comes to its end") {
  start("a", "10USD", 20ms);
  start("b");
  run_loop();
  CHECK(ended == strings{"a committed", "b committed"});
}

TEST_CASE_METHOD(waiting_pages, "a crowd waits for no others") {
  constexpr std::size_t crowd = 64;
  looks_at_disk = false;
  for (std::size_t i = 0; i < crowd; ++i) start(std::to_string(i));
  run_loop();
  CHECK(ended.size() == crowd);
  CHECK(ended.front() == "0 committed");
  CHECK(ended.back() == "63 committed");
}

TEST_CASE_METHOD(waiting_pages, "what waits is committed before the database is closed") {
  looks_at_disk = false;
  start("a");
  loop.poll();
  db->close();
  run_loop();
  CHECK(ended == strings{"a committed"});
  db = open_state(folder.path());
  products = catalogue(db);
  CHECK(pages_known() == strings{"a"});
}
