#include "storage/postgrest_reply.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/log.hpp"

namespace catwalk::storage {
namespace {

using kind = sink_reply::kind;

struct meaning {
  kind what;
  errc code;
  const char* hint = "";
};

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

constexpr const char* key_hint = "check sink.key (SUPABASE_KEY): the sink takes the project's service key";
constexpr const char* schema_hint = "mend the table and run: notify pgrst, 'reload schema'";
constexpr const char* table_hint =
    "make it: paste what `catwalk sink sql` prints into the SQL editor, or `catwalk sink migrate`";

meaning by_status(int status) {
  if (status == 401) return {kind::park, errc::sink_unauthorized, key_hint};
  if (status == 402) return {kind::park, errc::sink_unavailable, "the project's quota is used up"};
  if (status == 540)
    return {kind::park, errc::sink_unavailable, "the project is paused: resume it in the dashboard"};
  if (status >= 300 && status < 400)
    return {kind::park, errc::invalid_config, "check sink.url (SUPABASE_URL): it leads somewhere else"};
  if (status == 408 || status == 429 || status >= 500 || status < 200)
    return {kind::retry, errc::sink_unavailable};
  return {kind::bisect, errc::sink_rejected};
}

meaning by_code(std::string_view code, int status, std::string_view message) {
  if (one_of(code, {"PGRST000", "PGRST001", "PGRST002", "PGRST003"}))
    return {kind::retry, errc::sink_unavailable};
  if (one_of(code, {"PGRST301", "PGRST302", "PGRST303"}))
    return {kind::park, errc::sink_unauthorized, key_hint};
  if (one_of(code, {"PGRST205", "42P01"})) return {kind::park, errc::sink_schema, table_hint};
  if (one_of(code, {"PGRST106", "PGRST202", "PGRST204", "42P10", "42704", "3F000"}))
    return {kind::park, errc::sink_schema, schema_hint};
  if (code == "PGRST102") return {kind::bisect, errc::sink_rejected};
  if (code == "42501")
    return {kind::park, errc::sink_unauthorized,
            "the key's role may not write to this table: use the service key"};
  if (code == "22023" && (status == 401 || message.find("role") != std::string_view::npos))
    return {kind::park, errc::sink_unauthorized, key_hint};
  if (code == "25006")
    return {kind::park, errc::sink_unavailable, "the database is read-only, as at a plan's limit"};
  if (code == "53400")
    return {kind::park, errc::sink_unavailable, "a limit in Postgres' configuration is reached"};
  if (code == "57014") return {kind::halve, errc::sink_unavailable};
  if (starts_with(code, "40") || starts_with(code, "53") || starts_with(code, "08") || code == "55P03" ||
      starts_with(code, "57P0"))
    return {kind::retry, errc::sink_unavailable};
  if (starts_with(code, "22") || starts_with(code, "23") || code == "21000" || starts_with(code, "54") ||
      code == "P0001")
    return {kind::bisect, errc::sink_rejected};
  return by_status(status);
}

std::string text_at(const nlohmann::json& body, const char* name) {
  const auto found = body.find(name);
  return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// `Proxy-Status: PostgREST; error=CODE`, which says the code where the body does not.
std::string code_in_header(const http_headers& headers) {
  const auto value = headers.find("Proxy-Status");
  if (!value) return {};
  const auto at = value->find("error=");
  if (at == std::string_view::npos) return {};
  const auto rest = value->substr(at + 6);
  return std::string(rest.substr(0, rest.find_first_of("; ,")));
}

}  // namespace

sink_reply classify_postgrest(const http_response& answer, wall_time now) {
  sink_reply reply;
  const auto body = nlohmann::json::parse(answer.body, nullptr, false);
  std::string message;
  if (body.is_object()) {
    reply.sqlstate_or_code = text_at(body, "code");
    message = text_at(body, "message");
    if (const auto details = text_at(body, "details"); !details.empty()) message += " (" + details + ")";
  }
  if (reply.sqlstate_or_code.empty()) reply.sqlstate_or_code = code_in_header(answer.headers);
  // A gateway that repeats the key which it refuses does not get it into the state and the API's answers.
  message = concealed(std::move(message));
  reply.sqlstate_or_code = concealed(std::move(reply.sqlstate_or_code));
  if (const auto after = answer.headers.find("Retry-After"))
    reply.retry_after = parse_retry_after(*after, now);

  if (answer.status >= 200 && answer.status < 300) {
    const auto type = answer.headers.find("Content-Type");
    const bool page = type && type->find("html") != std::string_view::npos && !answer.body.empty();
    if (!page) {
      reply.what = kind::accepted;
      return reply;
    }
    // Something between here and the sink answered in its place.
    reply.what = kind::retry;
    reply.why = {errc::sink_unavailable,
                 "the sink did not answer",
                 "",
                 "an HTML page came in its place",
                 "check sink.url (SUPABASE_URL) and the proxy",
                 answer.status};
    return reply;
  }
  const auto m = reply.sqlstate_or_code.empty() ? by_status(answer.status)
                                                : by_code(reply.sqlstate_or_code, answer.status, message);
  reply.what = m.what;
  if (message.empty()) message = "HTTP " + std::to_string(answer.status);
  if (!reply.sqlstate_or_code.empty()) message = reply.sqlstate_or_code + ": " + message;
  reply.why = {m.code, "the sink refused the rows", "", std::move(message), m.hint, answer.status};
  return reply;
}

sink_reply classify_sqlstate(const std::string& sqlstate, const std::string& message) {
  constexpr int bad_request = 400;  // what PostgREST answers where a code has no status of its own
  const auto m = by_code(sqlstate, bad_request, message);
  sink_reply reply;
  reply.what = m.what;
  reply.sqlstate_or_code = sqlstate;
  reply.why = {m.code, "the sink refused the rows", "", sqlstate + ": " + concealed(message), m.hint};
  return reply;
}

sink_reply unknown_outcome(error why) {
  sink_reply reply;
  reply.what = kind::retry;
  reply.outcome_unknown = true;
  reply.why = std::move(why);
  return reply;
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, wall_time now) {
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  std::int64_t seconds = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (problem == std::errc() && end == value.data() + value.size()) {
    if (seconds < 0) return std::nullopt;
    return std::chrono::seconds(std::min<std::int64_t>(seconds, 86'400));
  }
  std::tm date{};
  const std::string text(value);
  if (!::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date)) return std::nullopt;
  const auto at = from_millis(static_cast<std::int64_t>(::timegm(&date)) * 1000);
  return std::clamp(std::chrono::milliseconds(at - now), std::chrono::milliseconds(0), longest);
}

}  // namespace catwalk::storage
