// What the outbox and the sinks cost, beside bare clients.
//   sink_bench enqueue STATE_DIR ROWS PAGE
//       rows with their products and outbox rows, a page in each transaction
//   sink_bench insert DATABASE ROWS PAGE
//       the same texts into two bare SQLite tables, as many transactions
//   sink_bench insert-rows STATE_DIR ROWS PAGE
//       every row that enqueueing leaves behind, into the state's own tables: bare inserts, as many
//       transactions
//   sink_bench send STATE_DIR supabase|postgres URL KEY BATCH
//       drains a state into a table
//   sink_bench upsert STATE_DIR supabase|postgres URL KEY BATCH
//       sends the rows of a state, which are in memory before the time counts, through the sink alone
//   sink_bench take STATE_DIR text|binary BATCH
//       a bare client's part of that, without the sending: one statement reads a batch and its vectors, they
//       are written into a buffer, and one transaction takes the batch out of the outbox
//   sink_bench post URL KEY BODIES ROWS PIECE
//       posts the ready bodies of a file, ROWS in all, with libcurl, PIECE bytes to the socket at a time
//   sink_bench copy DSN TABLE text|binary BATCHES ROWS
//       copies the ready batches of a file into a table, ROWS in all, with libpq
//   sink_bench wait STATE_DIR
//       an outbox whose sink is away: how much memory it takes
// Each prints JSON: rows, seconds, the CPU seconds of this process.
#include <curl/curl.h>
#include <libpq-fe.h>
#include <sys/resource.h>

#include <bit>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <charconv>
#include <clocale>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "config/settings.hpp"
#include "core/http_client.hpp"
#include "core/log.hpp"
#include "core/product_text.hpp"
#include "core/task_group.hpp"
#include "storage/catalogue.hpp"
#include "storage/outbox.hpp"
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

/// Inserts ready values: what is left of enqueueing where nothing has to be looked up, compared or hashed.
int insert_rows(const std::string& dir, std::int64_t rows, std::int64_t page_size) {
  open_state(dir)->close();
  storage::sqlite::connection db(dir + "/catwalk.sqlite3", storage::sqlite::connection::mode::read_write);
  db.execute("pragma journal_mode=wal; pragma synchronous=full");
  const std::string hash(64, '0');
  constexpr std::int64_t now = 1'750'000'000'000;
  const stopwatch watch;
  for (std::int64_t from = 0; from < rows; from += page_size) {
    db.execute("begin immediate");
    for (auto row = from; row < std::min(rows, from + page_size); ++row) {
      const auto p = made_product(row);
      db.run(
          "insert into products (id, site, endpoint_index, fields, field_hash, image_url, first_seen, "
          "last_seen, "
          "last_run, row_run, vector_state, sink_hash) values (?1, 'shop', 0, ?2, ?3, '', ?4, ?4, 1, 1, "
          "'none', "
          "?3)",
          p.id.str(), to_text(p), hash, now);
      const auto number = db.last_row();
      db.run(
          "insert into outbox (sink, key, seq, op, parts, held, created) values ('main', ?1, ?2, 'upsert', "
          "1, 0, "
          "?3)",
          p.id.str(), number, now);
      db.run(
          "insert into events (product, run, at, kind, price, price_amount, currency, availability) values "
          "(?1, "
          "1, ?2, 'new', ?3, ?4, ?5, ?6)",
          number, now, p.price, p.price_amount, p.currency, p.availability);
      db.run("insert into listings (endpoint, product, run) values (1, ?1, 1)", number);
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
  /// Puts the state's products into the outbox, which the figures for enqueueing tell of.
  asio::awaitable<void> prepare() {
    if (const auto described = co_await sink->describe(); !described)
      std::cerr << described.error().to_string() << '\n';
    storage::outbox waiting(db);
    if (const auto adopted = co_await waiting.adopt_sink(sink->name()); !adopted)
      std::cerr << adopted.error().to_string() << '\n';
  }
  asio::awaitable<void> drain(bool& drained) {
    writer = std::make_unique<storage::outbox_writer>(loop.get_executor(), db, *sink, settings);
    task_group tasks(loop.get_executor());
    tasks.spawn("writer", writer->run());
    drained = co_await writer->wait_until_idle(std::chrono::hours(1));
    sink->stop();
    tasks.cancel();
    co_await tasks.join();
  }
  asio::awaitable<void> take_out(std::vector<std::vector<storage::sink_row>>& batches) {
    storage::outbox waiting(db);
    for (std::int64_t after = 0;;) {
      auto rows = co_await waiting.due(wall_now(), settings.batch, after);
      if (!rows) throw exception(rows.error());
      if (rows->empty()) co_return;
      after = batches.emplace_back(std::move(*rows)).back().seq;
    }
  }
  asio::awaitable<void> send_all(const std::vector<std::vector<storage::sink_row>>& batches,
                                 std::int64_t& sent) {
    for (const auto& rows : batches) {
      const auto reply = co_await sink->upsert(rows);
      if (reply.what != storage::sink_reply::kind::accepted) throw exception(reply.why);
      sent += static_cast<std::int64_t>(rows.size());
    }
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
  void run(asio::awaitable<void> task) {
    asio::co_spawn(loop, std::move(task), [](const std::exception_ptr& failed) {
      if (failed) std::rethrow_exception(failed);
    });
    loop.restart();
    loop.run();
  }
  void close() {
    cpu.join();
    db->close();
  }
};

/// Of the words KIND URL KEY BATCH after the first two.
config::sink_settings settings_of(const std::vector<std::string>& words) {
  config::sink_settings to;
  to.kind = words[2];
  to.url = config::secret(words[3]);
  to.key = config::secret(words[4]);
  to.batch = std::stoi(words[5]);
  return to;
}

int send(const std::string& dir, config::sink_settings to) {
  workplace at(dir, std::move(to));
  bool drained = false;
  at.run(at.prepare());
  const stopwatch watch;
  at.run(at.drain(drained));
  watch.print(at.writer->status().sent);
  at.close();
  return drained ? 0 : 1;
}

int upsert(const std::string& dir, config::sink_settings to) {
  workplace at(dir, std::move(to));
  at.run(at.prepare());
  std::vector<std::vector<storage::sink_row>> batches;
  at.run(at.take_out(batches));
  std::int64_t sent = 0;
  const stopwatch watch;
  at.run(at.send_all(batches, sent));
  watch.print(sent);
  at.close();
  return 0;
}

config::sink_settings a_sink_that_is_away() {
  config::sink_settings to;
  to.kind = "supabase";
  to.url = config::secret("http://127.0.0.1:9");
  to.key = config::secret("sb_secret_none");
  return to;
}

int take(const std::string& dir, bool as_text, int batch) {
  {
    workplace at(dir, a_sink_that_is_away());
    wait_for(storage::outbox(at.db).adopt_sink("bench"));
    at.close();
  }
  storage::sqlite::connection db(dir + "/catwalk.sqlite3", storage::sqlite::connection::mode::read_write);
  db.execute("pragma journal_mode=wal; pragma synchronous=full");
  std::int64_t taken = 0;
  const stopwatch watch;
  for (;;) {
    std::string body;
    std::vector<std::pair<std::string, std::int64_t>> keys;
    {
      auto s = db.prepare(
          "select o.key, o.seq, p.fields, i.vector from outbox o join products p on p.id = o.key join images "
          "i on "
          "i.url = p.vector_url where o.sink = 'main' and o.held = 0 and o.next_try <= ?1 order by o.seq "
          "limit "
          "?2");
      s.bind(std::int64_t{4'000'000'000'000}, batch);
      while (s.step()) {
        keys.emplace_back(s.text(0), s.integer(1));
        body += s.text(2);
        const auto vector = s.blob(3);
        for (std::size_t i = 0; i < vector.size(); i += 4) {
          std::uint32_t word = 0;
          std::memcpy(&word, vector.data() + i, 4);
          char number[32];
          if (as_text) {
            const auto end = std::to_chars(number, number + sizeof number, std::bit_cast<float>(word)).ptr;
            *end = ',';
            body.append(number, end + 1);
          } else {
            word = __builtin_bswap32(word);
            body.append(reinterpret_cast<const char*>(&word), 4);
          }
        }
      }
    }
    if (keys.empty()) break;
    db.execute("begin immediate");
    for (const auto& [key, seq] : keys)
      db.run("delete from outbox where sink = 'main' and key = ?1 and seq = ?2", key, seq);
    db.execute("commit");
    taken += static_cast<std::int64_t>(keys.size());
  }
  return watch.print(taken);
}

double rss_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

int wait(const std::string& dir) {
  workplace at(dir, a_sink_that_is_away());
  at.run(at.rest(std::chrono::seconds(20)));
  std::cout << nlohmann::json{{"rows", at.writer->status().waiting}, {"rss_mb", rss_mb()}} << '\n';
  at.close();
  return 0;
}

std::size_t ignore(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

/// Parts that follow each other in a file, each behind its length: 32 bits, little-endian.
std::vector<std::string> read_parts(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<std::string> parts;
  for (std::uint32_t length = 0; in.read(reinterpret_cast<char*>(&length), sizeof length);) {
    parts.emplace_back(length, ' ');
    in.read(parts.back().data(), length);
  }
  return parts;
}

int post(const std::string& url, const std::string& key, const std::string& file, std::int64_t rows,
         long piece) {
  const auto bodies = read_parts(file);
  curl_slist* headers = nullptr;
  for (const auto& line :
       {"apikey: " + key, std::string("Content-Type: application/json"),
        std::string("Prefer: resolution=merge-duplicates,return=minimal"), std::string("Expect:")})
    headers = curl_slist_append(headers, line.c_str());
  CURL* curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
  curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, piece);
  const auto send = [&](const std::string& body) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    long status = 0;
    if (const auto code = curl_easy_perform(curl)) throw std::runtime_error(curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 300) throw std::runtime_error("post: " + std::to_string(status));
  };
  send(bodies.at(0));  // connects
  const stopwatch watch;
  for (const auto& body : bodies) send(body);
  watch.print(rows);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return 0;
}

int copy(const std::string& dsn, const std::string& table, const std::string& format, const std::string& file,
         std::int64_t rows) {
  const auto parts = read_parts(file);
  const auto statement = "copy " + table + " from stdin (format " + format + ")";
  PGconn* to = PQconnectdb(dsn.c_str());
  const stopwatch watch;
  for (const auto& part : parts) {
    PQclear(PQexec(to, statement.c_str()));
    PQputCopyData(to, part.data(), static_cast<int>(part.size()));
    PQputCopyEnd(to, nullptr);
    while (PGresult* answer = PQgetResult(to)) {
      if (PQresultStatus(answer) != PGRES_COMMAND_OK) throw std::runtime_error(PQresultErrorMessage(answer));
      PQclear(answer);
    }
  }
  watch.print(rows);
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
    if (w.size() == 4 && w[0] == "insert-rows") return insert_rows(w[1], std::stoll(w[2]), std::stoll(w[3]));
    if (w.size() == 4 && w[0] == "take") return take(w[1], w[2] == "text", std::stoi(w[3]));
    if (w.size() == 6 && w[0] == "send") return send(w[1], settings_of(w));
    if (w.size() == 6 && w[0] == "upsert") return upsert(w[1], settings_of(w));
    if (w.size() == 2 && w[0] == "wait") return wait(w[1]);
    if (w.size() == 6 && w[0] == "post") return post(w[1], w[2], w[3], std::stoll(w[4]), std::stol(w[5]));
    if (w.size() == 6 && w[0] == "copy") return copy(w[1], w[2], w[3], w[4], std::stoll(w[5]));
  } catch (const std::exception& failed) {
    std::cerr << "sink_bench: " << failed.what() << '\n';
    return 1;
  }
  std::cerr << "usage: see the head of sink_bench.cpp\n";
  return 2;
}
