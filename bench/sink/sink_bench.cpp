// What the outbox and the sinks cost, beside bare clients that do the same bytes.
//   sink_bench enqueue STATE_DIR ROWS PAGE        rows with their products and outbox rows, a page in each
//   transaction sink_bench insert DATABASE ROWS PAGE          the same texts into two bare SQLite tables, as
//   many transactions sink_bench send STATE_DIR supabase|postgres URL KEY BATCH     drains a state into a
//   table sink_bench post URL KEY BODIES ROUNDS         posts the ready bodies of a file, one a line, with
//   libcurl sink_bench copy DSN TABLE LINES BATCH         copies the ready lines of a file into a table, with
//   libpq sink_bench wait STATE_DIR                     an outbox whose sink is away: how much memory it
//   takes
// Each prints JSON: rows, seconds, the CPU seconds of this process.
#include <curl/curl.h>
#include <libpq-fe.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <clocale>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "config/settings.hpp"
#include "core/http_client.hpp"
#include "core/log.hpp"
#include "core/product_text.hpp"
#include "core/task_group.hpp"
#include "storage/catalogue.hpp"
#include "storage/sink.hpp"
#include "storage/sqlite.hpp"

using namespace catwalk;
namespace asio = boost::asio;

namespace {

struct stopwatch {
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  double cpu_before = cpu();

  static double cpu() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  int print(std::int64_t rows) const {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::cout << nlohmann::json{{"rows", rows},
                                {"seconds", took.count()},
                                {"cpu_seconds", cpu() - cpu_before}}
              << '\n';
    return 0;
  }
};

template <class T>
T value_of(result<T> outcome) {
  if (!outcome) throw exception(outcome.error());
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

template <class T>
T wait_for(asio::awaitable<result<T>> task) {
  asio::io_context loop;
  auto done = asio::co_spawn(loop, std::move(task), asio::use_future);
  loop.run();
  return value_of(done.get());
}

std::shared_ptr<storage::state_database> open_state(const std::string& dir) {
  storage::state_options options;
  options.dir = dir;
  options.min_free = 1;
  return value_of(storage::state_database::open(options));
}

product made_product(std::int64_t row) {
  product p;
  p.id = product_id("product-" + std::to_string(row));
  p.site = site_name("shop");
  p.source = "bench";
  p.external_id = std::to_string(row);
  p.title = "Product " + std::to_string(row);
  p.description = std::string(200, 'd');
  p.product_url = "https://shop.test/p/" + std::to_string(row);
  p.country = "us";
  p.category = "shirts";
  p.price = "10USD";
  p.price_amount = "10";
  p.currency = "USD";
  return p;
}

int enqueue(const std::string& dir, std::int64_t rows, std::int64_t page_size) {
  const auto db = open_state(dir);
  storage::catalogue catalogue(db);
  const auto run = wait_for(catalogue.begin_run("bench", std::nullopt));
  const stopwatch watch;
  for (std::int64_t from = 0; from < rows; from += page_size) {
    storage::page_commit page;
    page.run = run;
    page.page.site = site_name("shop");
    page.page.endpoint = "list";
    page.page.url = "page " + std::to_string(from);
    for (auto row = from; row < std::min(rows, from + page_size); ++row)
      page.products.push_back(made_product(row));
    wait_for(catalogue.commit_page(std::move(page)));
  }
  watch.print(rows);
  db->close();
  return 0;
}

int insert(const std::string& file, std::int64_t rows, std::int64_t page_size) {
  std::ofstream(file).close();
  storage::sqlite::connection db(file, storage::sqlite::connection::mode::read_write);
  db.execute(
      "pragma journal_mode=wal; pragma synchronous=full; create table products (id text primary key, fields "
      "text not null) strict; create table outbox (sink text not null, key text not null, seq integer not "
      "null, primary key (sink, key)) strict, without rowid");
  const stopwatch watch;
  for (std::int64_t from = 0; from < rows; from += page_size) {
    db.execute("begin immediate");
    for (auto row = from; row < std::min(rows, from + page_size); ++row) {
      const auto p = made_product(row);
      db.run("insert into products (id, fields) values (?1, ?2)", p.id.str(), to_text(p));
      db.run("insert into outbox (sink, key, seq) values ('main', ?1, ?2)", p.id.str(), row);
    }
    db.execute("commit");
  }
  return watch.print(rows);
}

/// A state with its writer under way, as the daemon has it.
struct workplace {
  asio::io_context loop{1};
  asio::thread_pool cpu{2};
  std::shared_ptr<storage::state_database> db;
  config::sink_settings settings;
  std::unique_ptr<http_client> http;
  std::unique_ptr<storage::sink> sink;
  std::unique_ptr<storage::outbox_writer> writer;

  workplace(const std::string& dir, config::sink_settings to) : db(open_state(dir)), settings(std::move(to)) {
    http_client_options client;
    client.name = "sink";
    client.user_agent = "catwalk-bench/1";
    client.guard_addresses = false;
    http = std::make_unique<http_client>(loop.get_executor(), client);
    sink = value_of(storage::make_sink(settings, *http, cpu.get_executor()));
  }
  asio::awaitable<void> drain(bool& drained) {
    if (const auto described = co_await sink->describe(); !described)
      std::cerr << described.error().to_string() << '\n';
    writer = std::make_unique<storage::outbox_writer>(loop.get_executor(), db, *sink, settings);
    task_group tasks(loop.get_executor());
    tasks.spawn("writer", writer->run());
    drained = co_await writer->wait_until_idle(std::chrono::hours(1));
    sink->stop();
    tasks.cancel();
    co_await tasks.join();
  }
  asio::awaitable<void> rest(std::chrono::seconds how_long) {
    writer = std::make_unique<storage::outbox_writer>(loop.get_executor(), db, *sink, settings);
    task_group tasks(loop.get_executor());
    tasks.spawn("writer", writer->run());
    asio::steady_timer timer(loop, how_long);
    co_await timer.async_wait(asio::use_awaitable);
    tasks.cancel();
    co_await tasks.join();
  }
  void close() {
    cpu.join();
    db->close();
  }
};

int send(const std::string& dir, const std::string& kind, const std::string& url, const std::string& key,
         int batch) {
  config::sink_settings to;
  to.kind = kind;
  to.url = config::secret(url);
  to.key = config::secret(key);
  to.batch = batch;
  workplace at(dir, std::move(to));
  bool drained = false;
  const stopwatch watch;
  asio::co_spawn(at.loop, at.drain(drained), [](const std::exception_ptr& failed) {
    if (failed) std::rethrow_exception(failed);
  });
  at.loop.run();
  watch.print(at.writer->status().sent);
  at.close();
  return drained ? 0 : 1;
}

double rss_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

int wait(const std::string& dir) {
  config::sink_settings to;
  to.kind = "supabase";
  to.url = config::secret("http://127.0.0.1:9");
  to.key = config::secret("sb_secret_none");
  workplace at(dir, std::move(to));
  asio::co_spawn(at.loop, at.rest(std::chrono::seconds(20)), [](const std::exception_ptr& failed) {
    if (failed) std::rethrow_exception(failed);
  });
  at.loop.run();
  std::cout << nlohmann::json{{"rows", at.writer->status().waiting}, {"rss_mb", rss_mb()}} << '\n';
  at.close();
  return 0;
}

std::size_t ignore(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

int post(const std::string& url, const std::string& key, const std::string& file, int rounds) {
  std::ifstream in(file);
  std::vector<std::string> bodies;
  for (std::string line; std::getline(in, line);) bodies.push_back(line);
  curl_slist* headers = nullptr;
  for (const auto& line : {"apikey: " + key, std::string("Content-Type: application/json"),
                           std::string("Prefer: resolution=merge-duplicates,return=minimal")})
    headers = curl_slist_append(headers, line.c_str());
  CURL* curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
  const stopwatch watch;
  for (int round = 0; round < rounds; ++round)
    for (const auto& body : bodies) {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
      long status = 0;
      if (curl_easy_perform(curl) != CURLE_OK) return 1;
      curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
      if (status >= 300) {
        std::cerr << "post: " << status << '\n';
        return 1;
      }
    }
  watch.print(static_cast<std::int64_t>(bodies.size()) * rounds);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return 0;
}

int copy(const std::string& dsn, const std::string& table, const std::string& file, int batch) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line + "\n");
  PGconn* to = PQconnectdb(dsn.c_str());
  const auto columns = lines.front();  // the first line names them
  lines.erase(lines.begin());
  const auto statement = "copy " + table + " (" + columns.substr(0, columns.size() - 1) + ") from stdin";
  const stopwatch watch;
  for (std::size_t from = 0; from < lines.size(); from += static_cast<std::size_t>(batch)) {
    PQclear(PQexec(to, statement.c_str()));
    for (auto i = from; i < std::min(lines.size(), from + static_cast<std::size_t>(batch)); ++i)
      PQputCopyData(to, lines[i].data(), static_cast<int>(lines[i].size()));
    PQputCopyEnd(to, nullptr);
    while (PGresult* answer = PQgetResult(to)) {
      if (PQresultStatus(answer) != PGRES_COMMAND_OK) std::cerr << "copy: " << PQresultErrorMessage(answer);
      PQclear(answer);
    }
  }
  watch.print(static_cast<std::int64_t>(lines.size()));
  PQfinish(to);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  start_logging("error", "text");
  const std::vector<std::string> w(argv + 1, argv + argc);
  try {
    if (w.size() == 4 && w[0] == "enqueue") return enqueue(w[1], std::stoll(w[2]), std::stoll(w[3]));
    if (w.size() == 4 && w[0] == "insert") return insert(w[1], std::stoll(w[2]), std::stoll(w[3]));
    if (w.size() == 6 && w[0] == "send") return send(w[1], w[2], w[3], w[4], std::stoi(w[5]));
    if (w.size() == 2 && w[0] == "wait") return wait(w[1]);
    if (w.size() == 5 && w[0] == "post") return post(w[1], w[2], w[3], std::stoi(w[4]));
    if (w.size() == 5 && w[0] == "copy") return copy(w[1], w[2], w[3], std::stoi(w[4]));
  } catch (const std::exception& failed) {
    std::cerr << "sink_bench: " << failed.what() << '\n';
    return 1;
  }
  std::cerr << "usage: see the head of sink_bench.cpp\n";
  return 2;
}
