#include "daemon/failure_endpoints.hpp"

#include "core/json_text.hpp"
#include "daemon/failure_json.hpp"
#include "daemon/http_error.hpp"
#include "daemon/json_body.hpp"
#include "daemon/product_json.hpp"
#include "daemon/query_parameters.hpp"
#include "daemon/time_text.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

using nlohmann::json;

constexpr std::size_t most_ids = 1000;
constexpr std::int64_t largest_number = (std::int64_t{1} << 53) - 1;  ///< that JSON's users can tell apart

error no_failure(const std::string& id) {
  return {errc::not_found, "no such dead letter", id, "", "GET /api/v1/failures has their numbers"};
}

json described(const storage::failed_row& row) {
  json j = failure_json(row);
  j["thumbnail"] = row.site.empty() ? json() : json(thumbnail_path(row.key));
  return j;
}

asio::awaitable<http_reply> list(application& app, const http_server_request& request) {
  query_parameters query(request);
  const int limit = query.limit();
  const auto after = query.after();
  storage::failure_choice among;
  among.site = query.text("site");
  among.code = query.text("code");
  if (const auto wrong = query.finish()) co_return error_reply(*wrong);
  storage::failures letters(app.database());
  const auto total = co_await letters.count(among);
  if (!total) co_return error_reply(total.error());
  const auto rows = co_await letters.list(limit, after, std::move(among));
  if (!rows) co_return error_reply(rows.error());
  json page{{"items", json::array()}, {"next", nullptr}, {"total", *total}};
  for (const auto& row : *rows) page["items"].push_back(described(row));
  if (static_cast<int>(rows->size()) == limit) page["next"] = std::to_string(rows->back().id);
  co_return json_reply(200, json_text(page) + "\n");
}

asio::awaitable<http_reply> show(application& app, const http_server_request& request, std::string text) {
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  const auto id = whole_number(text);
  if (!id) co_return error_reply(no_failure(text));
  storage::failures letters(app.database());
  const auto row = co_await letters.find(*id);
  if (!row) co_return error_reply(row.error());
  if (!*row) co_return error_reply(no_failure(text));
  auto j = described(**row);
  auto payload = json::parse((*row)->payload_json, nullptr, false);
  j["row"] = payload.is_discarded() ? json() : std::move(payload);
  co_return json_reply(200, json_text(j) + "\n");
}

enum class change { retry, drop };

asio::awaitable<http_reply> carry_out(application& app, const http_server_request& request, change what) {
  if (const auto wrong = query_parameters(request).finish()) co_return error_reply(*wrong);
  auto which = read_failure_choice(request.body());
  if (!which) co_return error_reply(which.error());
  storage::failures letters(app.database());
  result<int> changed = 0;
  if (what == change::retry) {
    auto retried = co_await letters.retry(std::move(*which));
    changed = std::move(retried);
    if (app.writer() != nullptr) app.writer()->notify();
  } else {
    auto dropped = co_await letters.drop(std::move(*which));
    changed = std::move(dropped);
  }
  if (!changed) co_return error_reply(changed.error());
  co_return json_reply(200, json_text({{"changed", *changed}}) + "\n");
}

std::optional<error> read_text(const json& body, const char* name, std::optional<std::string>& into) {
  const auto found = body.find(name);
  if (found == body.end()) return std::nullopt;
  if (!found->is_string() || found->get_ref<const std::string&>().size() > 200)
    return wrong_member(name, "it is no text of at most 200 bytes");
  into = found->get<std::string>();
  return std::nullopt;
}

}  // namespace

result<storage::failure_choice> read_failure_choice(std::string_view body) {
  const auto given = read_json_object(body, {"ids", "all", "site", "code"});
  if (!given) return given.error();
  storage::failure_choice which;
  const auto ids = given->find("ids");
  const auto all = given->find("all");
  if ((ids == given->end()) == (all == given->end())) return wrong_member("ids", "name ids, or all");
  if (ids != given->end()) {
    if (given->size() != 1) return wrong_member("ids", "nothing else goes with them");
    if (!ids->is_array() || ids->empty() || ids->size() > most_ids)
      return wrong_member("ids", "it is no list of 1 to " + std::to_string(most_ids) + " numbers");
    which.ids.emplace();
    for (const auto& id : *ids) {
      const auto number = whole_number_of(id, 1, largest_number);
      if (!number) return wrong_member("ids", "one of them is no number of a dead letter");
      which.ids->push_back(*number);
    }
    return which;
  }
  if (*all != true) return wrong_member("all", "it has to be true");
  if (const auto wrong = read_text(*given, "site", which.site)) return *wrong;
  if (const auto wrong = read_text(*given, "code", which.code)) return *wrong;
  return which;
}

void add_failure_routes(http_router& router, application& app) {
  using values = path_values;
  const auto token = access_policy::need::token;
  constexpr std::size_t longest_choice = 32UL * 1024;
  router.add({http::verb::get,
              "/api/v1/failures",
              token,
              0,
              [&app](const http_server_request& request, const values&) { return list(app, request); },
              {}});
  for (const auto& [path, what] :
       {std::pair{"/api/v1/failures/retry", change::retry}, std::pair{"/api/v1/failures/drop", change::drop}})
    router.add({http::verb::post,
                path,
                token,
                longest_choice,
                [&app, what = what](const http_server_request& request, const values&) {
                  return carry_out(app, request, what);
                },
                {}});
  router.add({http::verb::get,
              "/api/v1/failures/{id}",
              token,
              0,
              [&app](const http_server_request& request, const values& in) {
                return show(app, request, in.at("id"));
              },
              {}});
}

}  // namespace catwalk::daemon
