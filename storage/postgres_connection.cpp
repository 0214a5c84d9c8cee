#include "storage/postgres_connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>

namespace catwalk::storage {
namespace {

using clock = std::chrono::steady_clock;

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string field(const PGresult* r, int code) {
  const char* text = PQresultErrorField(r, code);
  return text == nullptr ? std::string() : text;
}

/// The parts of an address; nullptr where it does not parse.
std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parse(const std::string& url,
                                                                   std::string* why = nullptr) {
  char* message = nullptr;
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parts(PQconninfoParse(url.c_str(), &message),
                                                                     PQconninfoFree);
  if (message != nullptr) {
    if (why != nullptr) *why = trimmed(message);
    PQfreemem(message);
  }
  return parts;
}

std::string part(const PQconninfoOption* parts, std::string_view name) {
  for (const auto* p = parts; p != nullptr && p->keyword != nullptr; ++p)
    if (name == p->keyword && p->val != nullptr) return p->val;
  return {};
}

bool on_this_machine(const std::string& host) {
  return host.empty() || host.front() == '/' || host == "localhost" || host == "127.0.0.1" || host == "::1";
}

/// Words of a refusal at the door; libpq has no code for them.
bool wants_someone(const std::string& message) {
  constexpr std::array<std::string_view, 6> words{"authentication failed", "no pg_hba.conf entry",
                                                  "does not exist",        "no password supplied",
                                                  "Tenant or user not",    "certificate"};
  return std::any_of(words.begin(), words.end(),
                     [&](auto w) { return message.find(w) != std::string::npos; });
}

}  // namespace

postgres_rows::postgres_rows(pg_result* r) : result_(r, PQclear) {}
int postgres_rows::size() const noexcept {
  return PQntuples(result_.get());
}
bool postgres_rows::is_null(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) != 0;
}
std::string postgres_rows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}
int postgres_rows::changed() const {
  const std::string text = PQcmdTuples(result_.get());
  return text.empty() ? 0 : std::stoi(text);
}

postgres_connection::postgres_connection(options o) : options_(std::move(o)) {}
postgres_connection::~postgres_connection() {
  close();
}

void postgres_connection::close() noexcept {
  PQfinish(handle_);
  handle_ = nullptr;
}

std::string postgres_connection::where() const {
  const auto parts = parse(options_.url);
  if (!parts) return "postgres";
  auto name = part(parts.get(), "host");
  if (name.empty()) name = "local";
  if (const auto port = part(parts.get(), "port"); !port.empty()) name += ":" + port;
  return "postgres " + name + "/" + part(parts.get(), "dbname");
}

result<void> postgres_connection::open() {
  if (handle_ != nullptr && PQstatus(handle_) == CONNECTION_OK) return {};
  close();
  std::string why;
  const auto parts = parse(options_.url, &why);
  if (!parts)
    // libpq's words may quote the address, password and all.
    return error{errc::invalid_config, "cannot read the address of Postgres", "", "it does not parse",
                 "it looks like postgres://USER:PASSWORD@HOST:5432/DATABASE"};
  std::vector<const char*> names, values;
  const auto set = [&](const char* name, const char* value) {
    names.push_back(name);
    values.push_back(value);
  };
  for (const auto* p = parts.get(); p->keyword != nullptr; ++p)
    if (p->val != nullptr) set(p->keyword, p->val);
  const auto timeout = std::to_string(options_.connect_timeout.count());
  if (part(parts.get(), "sslmode").empty() && !on_this_machine(part(parts.get(), "host")))
    set("sslmode", "require");
  if (part(parts.get(), "connect_timeout").empty()) set("connect_timeout", timeout.c_str());
  if (part(parts.get(), "application_name").empty()) set("application_name", "catwalk/" CATWALK_VERSION);
  set("keepalives_idle", "30");
  set("tcp_user_timeout", "30000");
  set("client_encoding", "UTF8");
  names.push_back(nullptr);
  values.push_back(nullptr);
  handle_ = PQconnectdbParams(names.data(), values.data(), 0);
  if (handle_ == nullptr || PQstatus(handle_) != CONNECTION_OK) {
    const auto message = handle_ == nullptr ? std::string("out of memory") : trimmed(PQerrorMessage(handle_));
    close();
    failure_ = {"", message, "", ""};
    const bool person = wants_someone(message);
    return error{person ? errc::sink_unauthorized : errc::sink_unavailable, "cannot connect to Postgres",
                 where(), message, person ? "check sink.url: user, password, database" : ""};
  }
  // Notices go nowhere: what matters is in the answers.
  PQsetNoticeProcessor(
      handle_, [](void*, const char*) {}, nullptr);
  return {};
}

error postgres_connection::broken(std::string why) {
  failure_ = {"", why, "", ""};
  close();
  return {errc::sink_unavailable, "lost the connection to Postgres", where(), std::move(why), ""};
}

error postgres_connection::refused(pg_result* r) {
  failure_ = {field(r, PG_DIAG_SQLSTATE), field(r, PG_DIAG_MESSAGE_PRIMARY), field(r, PG_DIAG_MESSAGE_DETAIL),
              field(r, PG_DIAG_MESSAGE_HINT)};
  const bool lost = handle_ == nullptr || PQstatus(handle_) != CONNECTION_OK;
  if (failure_.sqlstate.empty() || lost) {
    auto why = failure_.message.empty() ? trimmed(PQresultErrorMessage(r)) : failure_.message;
    auto code = failure_.sqlstate;
    auto e = broken(std::move(why));
    failure_.sqlstate = std::move(code);
    return e;
  }
  std::string why = failure_.sqlstate + ": " + failure_.message;
  if (!failure_.detail.empty()) why += ": " + failure_.detail;
  return {errc::sink_rejected, "Postgres refuses a statement", where(), std::move(why), failure_.hint};
}

std::optional<std::string> postgres_connection::wait_for_input(clock::time_point deadline) {
  constexpr int slice_ms = 100;
  for (;;) {
    if (options_.cancelled != nullptr && options_.cancelled->load()) return "stopped";
    if (clock::now() >= deadline)
      return "no answer within " + std::to_string(options_.answer_timeout.count()) + " s";
    const int flush = PQflush(handle_);
    if (flush < 0) return trimmed(PQerrorMessage(handle_));
    pollfd waiting{PQsocket(handle_), static_cast<short>(POLLIN | (flush > 0 ? POLLOUT : 0)), 0};
    if (::poll(&waiting, 1, slice_ms) <= 0) continue;
    if (PQconsumeInput(handle_) == 0) return trimmed(PQerrorMessage(handle_));
    return std::nullopt;
  }
}

/// The last result of what was sent, or the first that is an error.
result<pg_result*> postgres_connection::answer() {
  pg_result* last = nullptr;
  for (;;) {
    const auto deadline = clock::now() + options_.answer_timeout;
    while (PQisBusy(handle_) != 0) {
      if (auto why = wait_for_input(deadline)) {
        PQclear(last);
        return broken(std::move(*why));
      }
    }
    pg_result* next = PQgetResult(handle_);
    if (next == nullptr) break;
    const auto status = PQresultStatus(next);
    if (status == PGRES_COPY_IN) {
      PQclear(last);
      return next;
    }
    const bool had_failed = last != nullptr && PQresultStatus(last) == PGRES_FATAL_ERROR;
    if (had_failed) {
      PQclear(next);
      continue;
    }
    PQclear(last);
    last = next;
  }
  if (last == nullptr) return broken(trimmed(PQerrorMessage(handle_)));
  const auto status = PQresultStatus(last);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) return last;
  auto e = refused(last);
  PQclear(last);
  return e;
}

result<postgres_rows> postgres_connection::query(const std::string& sql, const parameters& values) {
  if (auto opened = open(); !opened) return opened.error();
  std::vector<const char*> texts;
  for (const auto& v : values) texts.push_back(v ? v->c_str() : nullptr);
  if (PQsendQueryParams(handle_, sql.c_str(), static_cast<int>(texts.size()), nullptr, texts.data(), nullptr,
                        nullptr, 0) == 0)
    return broken(trimmed(PQerrorMessage(handle_)));
  auto rows = answer();
  if (!rows) return rows.error();
  return postgres_rows(*rows);
}

result<void> postgres_connection::run(const std::string& sql) {
  if (auto opened = open(); !opened) return opened.error();
  if (PQsendQuery(handle_, sql.c_str()) == 0) return broken(trimmed(PQerrorMessage(handle_)));
  auto done = answer();
  if (!done) return done.error();
  PQclear(*done);
  return {};
}

result<void> postgres_connection::copy_in(const std::string& sql, std::string_view data) {
  if (auto opened = open(); !opened) return opened.error();
  if (PQsendQuery(handle_, sql.c_str()) == 0) return broken(trimmed(PQerrorMessage(handle_)));
  auto ready = answer();
  if (!ready) return ready.error();
  const bool copying = PQresultStatus(*ready) == PGRES_COPY_IN;
  PQclear(*ready);
  if (!copying) return broken("Postgres does not take the copy");
  constexpr std::size_t piece = 1 << 16;
  for (std::size_t at = 0; at < data.size(); at += piece) {
    const auto part_of = data.substr(at, piece);
    if (PQputCopyData(handle_, part_of.data(), static_cast<int>(part_of.size())) != 1)
      return broken(trimmed(PQerrorMessage(handle_)));
  }
  if (PQputCopyEnd(handle_, nullptr) != 1) return broken(trimmed(PQerrorMessage(handle_)));
  auto done = answer();
  if (!done) return done.error();
  PQclear(*done);
  return {};
}

}  // namespace catwalk::storage
