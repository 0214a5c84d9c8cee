#include "storage/postgrest_reply.hpp"

#include "tests/support/catch.hpp"

using namespace catwalk;
using namespace catwalk::storage;
using namespace std::chrono_literals;
using kind = sink_reply::kind;

namespace {

http_response answer(int status, std::string body, http_headers headers = {}) {
  http_response a;
  a.status = status;
  a.body = std::move(body);
  a.headers = std::move(headers);
  return a;
}

std::string refusal(const std::string& code, const std::string& message = "m") {
  return R"({"code":")" + code + R"(","message":")" + message + R"(","details":null,"hint":null})";
}

}  // namespace

TEST_CASE("answers are judged by their code first") {
  struct row {
    int status;
    const char* code;
    const char* message;
    kind what;
    errc why;
  };
  const row table[] = {
      {503, "PGRST000", "m", kind::retry, errc::sink_unavailable},
      {503, "PGRST002", "m", kind::retry, errc::sink_unavailable},
      {504, "PGRST003", "m", kind::retry, errc::sink_unavailable},
      {503, "53300", "too many connections", kind::retry, errc::sink_unavailable},
      {500, "53400", "m", kind::park, errc::sink_unavailable},
      {503, "08006", "m", kind::retry, errc::sink_unavailable},
      {500, "40001", "m", kind::retry, errc::sink_unavailable},
      {400, "55P03", "m", kind::retry, errc::sink_unavailable},
      {503, "57P01", "m", kind::retry, errc::sink_unavailable},
      {500, "57014", "canceling statement", kind::halve, errc::sink_unavailable},
      {500, "XX000", "m", kind::retry, errc::sink_unavailable},
      {401, "PGRST301", "m", kind::park, errc::sink_unauthorized},
      {401, "PGRST302", "m", kind::park, errc::sink_unauthorized},
      {401, "PGRST303", "JWT expired", kind::park, errc::sink_unauthorized},
      {403, "42501", "permission denied", kind::park, errc::sink_unauthorized},
      {401, "22023", "role \\\"x\\\" does not exist", kind::park, errc::sink_unauthorized},
      {400, "22023", "invalid parameter value", kind::bisect, errc::sink_rejected},
      {405, "25006", "read-only", kind::park, errc::sink_unavailable},
      {406, "PGRST106", "m", kind::park, errc::sink_schema},
      {404, "PGRST202", "m", kind::park, errc::sink_schema},
      {400, "PGRST204", "no column", kind::park, errc::sink_schema},
      {404, "PGRST205", "no table", kind::park, errc::sink_schema},
      {404, "42P01", "m", kind::park, errc::sink_schema},
      {400, "42P10", "m", kind::park, errc::sink_schema},
      {400, "42704", "m", kind::park, errc::sink_schema},
      {400, "3F000", "m", kind::park, errc::sink_schema},
      {400, "22000", "expected 512 dimensions, not 768", kind::bisect, errc::sink_rejected},
      {400, "22P05", "m", kind::bisect, errc::sink_rejected},
      {400, "23502", "m", kind::bisect, errc::sink_rejected},
      {409, "23505", "m", kind::bisect, errc::sink_rejected},
      {500, "21000", "m", kind::bisect, errc::sink_rejected},
      {400, "54000", "m", kind::bisect, errc::sink_rejected},
      {400, "P0001", "m", kind::bisect, errc::sink_rejected},
      {400, "PGRST102", "m", kind::bisect, errc::sink_rejected},
      {418, "PT418", "m", kind::bisect, errc::sink_rejected},
      {503, "PT503", "m", kind::retry, errc::sink_unavailable},
  };
  for (const auto& r : table) {
    INFO(r.status << " " << r.code);
    const auto reply = classify_postgrest(answer(r.status, refusal(r.code, r.message)), wall_now());
    CHECK(static_cast<int>(reply.what) == static_cast<int>(r.what));
    CHECK(name_of(reply.why.code) == name_of(r.why));
    CHECK(reply.sqlstate_or_code == r.code);
    CHECK(reply.why.why.find(r.code) != std::string::npos);
    CHECK(reply.why.http_status == r.status);
  }
}

TEST_CASE("answers without a code are judged by their status") {
  const std::pair<int, kind> table[] = {{401, kind::park},   {402, kind::park},  {540, kind::park},
                                        {408, kind::retry},  {429, kind::retry}, {500, kind::retry},
                                        {502, kind::retry},  {521, kind::retry}, {404, kind::bisect},
                                        {413, kind::bisect}, {301, kind::park},  {308, kind::park}};
  for (const auto& [status, what] : table) {
    INFO(status);
    CHECK(static_cast<int>(classify_postgrest(answer(status, "<html>…"), wall_now()).what) ==
          static_cast<int>(what));
    CHECK(static_cast<int>(classify_postgrest(answer(status, ""), wall_now()).what) ==
          static_cast<int>(what));
  }
  const auto gateway =
      classify_postgrest(answer(401, R"({"message":"Invalid API key","hint":"x"})"), wall_now());
  CHECK(gateway.why.why == "Invalid API key");
  CHECK(name_of(gateway.why.code) == "sink_unauthorized");
}

TEST_CASE("a code may stand in Proxy-Status alone") {
  const auto reply =
      classify_postgrest(answer(500, "", {{"Proxy-Status", "PostgREST; error=57014"}}), wall_now());
  CHECK(static_cast<int>(reply.what) == static_cast<int>(kind::halve));
}

TEST_CASE("success is an answer of the sink's own") {
  CHECK(static_cast<int>(classify_postgrest(answer(201, ""), wall_now()).what) ==
        static_cast<int>(kind::accepted));
  CHECK(static_cast<int>(
            classify_postgrest(answer(200, "", {{"Content-Type", "application/json"}}), wall_now()).what) ==
        static_cast<int>(kind::accepted));
  const auto portal = answer(200, "<html>log in</html>", {{"Content-Type", "text/html; charset=utf-8"}});
  CHECK(static_cast<int>(classify_postgrest(portal, wall_now()).what) == static_cast<int>(kind::retry));
}

TEST_CASE("Retry-After is read in both of its forms") {
  const auto now = from_millis(784111777000);  // Sun, 06 Nov 1994 08:49:37 GMT
  CHECK(parse_retry_after("120", now) == std::chrono::milliseconds(120s));
  CHECK(parse_retry_after(" 0 ", now) == std::chrono::milliseconds(0));
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now) == std::chrono::milliseconds(60s));
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now) == std::chrono::milliseconds(0));
  CHECK(parse_retry_after("99999999999", now) == std::chrono::milliseconds(24h));
  CHECK_FALSE(parse_retry_after("-5", now));
  CHECK_FALSE(parse_retry_after("soon", now));
  const auto reply = classify_postgrest(answer(429, "", {{"retry-after", "7"}}), now);
  CHECK(reply.retry_after == std::chrono::milliseconds(7s));
}
