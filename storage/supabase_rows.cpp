#include <charconv>
#include <nlohmann/json.hpp>

#include "core/offload.hpp"
#include "core/url.hpp"
#include "storage/postgrest_filter.hpp"
#include "storage/supabase_sink.hpp"
#include "storage/vector_text.hpp"

/// Reading what the table holds, and setting vectors: for `sink adopt` and `backfill`.
namespace catwalk::storage {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr std::size_t largest_page = 64'000'000;

std::string filter_of(const stored_rows_query& q, const std::string& vector,
                      const std::optional<std::string>& model) {
  using kind = stored_rows_query::kind;
  const auto column = percent_encode(vector);
  if (q.which == kind::with_vector) return "&" + column + "=not.is.null";
  if (q.which == kind::without_vector || (q.which == kind::not_of_model && !model))
    return "&" + column + "=is.null";
  if (q.which == kind::all) return "";
  const auto name = percent_encode(*model);
  return "&or=(" + column + ".is.null," + name + ".is.null," + name + ".neq." +
         percent_encode('"' + q.model + '"') + ")";
}

}  // namespace

asio::awaitable<result<std::vector<stored_row>>> supabase_sink::read_rows(stored_rows_query query) {
  if (auto failed = co_await describe_first()) co_return failed->why;
  const auto vector = layout_->vector_column();
  if (!vector)
    co_return error{errc::sink_schema, "cannot read the sink's rows", options_.table,
                    "it has no column for vectors", "run catwalk sink migrate"};
  std::string columns = "id";
  for (const auto& name : layout_->columns(false))
    if (name != "id") columns += "," + percent_encode(name);
  if (query.vectors) columns += "," + percent_encode(*vector);
  std::string path = percent_encode(options_.table) + "?select=" + columns +
                     "&order=id.asc&limit=" + std::to_string(query.limit) +
                     filter_of(query, *vector, layout_->column_of("embedding_model"));
  if (query.after) path += "&id=gt." + percent_encode(*query.after);
  auto r = request("GET", path);
  r.headers.set("Accept", "application/json");
  r.max_bytes = largest_page;
  auto answer = co_await http_.fetch(std::move(r));
  if (!answer) co_return answer.error();
  if (answer->status != 200) co_return refused(*answer);
  const bool known = query.which == stored_rows_query::kind::with_vector;
  auto parse = [body = std::move(answer->body), name = *vector, known]() -> result<std::vector<stored_row>> {
    const auto document = json::parse(body, nullptr, false);
    if (!document.is_array())
      return error{errc::malformed, "cannot read the sink's rows", "", "the answer is no list", ""};
    std::vector<stored_row> rows;
    for (const auto& given : document) {
      stored_row row;
      const auto& id = given.at("id");
      row.id = id.is_string() ? id.get<std::string>() : id.dump();
      row.columns = given;
      row.has_vector = known;
      if (const auto held = row.columns.find(name); held != row.columns.end()) {
        if (held->is_string()) row.vector = vector_from_text(held->get<std::string>());
        row.has_vector = !row.vector.empty();
        row.columns.erase(held);
      }
      rows.push_back(std::move(row));
    }
    return rows;
  };
  co_return co_await offload(workers_, std::move(parse));
}

asio::awaitable<sink_reply> supabase_sink::set_vectors(std::vector<vector_update> updates) {
  if (auto failed = co_await describe_first()) co_return *failed;
  sink_reply reply;
  reply.what = sink_reply::kind::accepted;
  if (can_set_vectors_) {
    std::string body = "{\"rows\":[";
    for (const auto& u : updates) {
      if (body.back() == '}') body += ',';
      body += "{\"id\":" + json(u.id).dump() + ",\"model\":" + json(u.vector.model).dump() +
              ",\"vector\":\"" + vector_as_text(u.vector.values) + "\"}";
    }
    co_return co_await post("rpc/catwalk_set_vectors", body + "]}", "return=minimal");
  }
  const auto model = layout_->column_of("embedding_model");
  for (const auto& u : updates) {
    std::string body = "{" + json(*layout_->vector_column()).dump() + ":" + vector_as_text(u.vector.values);
    if (model) body += "," + json(*model).dump() + ":" + json(u.vector.model).dump();
    reply = co_await change("PATCH", equals("id", u.id), body + "}");
    if (reply.what != sink_reply::kind::accepted) co_return reply;
  }
  co_return reply;
}

asio::awaitable<result<std::int64_t>> supabase_sink::count_rows(stored_rows_query query) {
  if (auto failed = co_await describe_first()) co_return failed->why;
  if (!layout_->vector_column()) co_return std::int64_t{0};
  auto r =
      request("GET", percent_encode(options_.table) + "?select=id&limit=1" +
                         filter_of(query, *layout_->vector_column(), layout_->column_of("embedding_model")));
  r.headers.set("Accept", "application/json");
  r.headers.set("Prefer", "count=exact");
  const auto answer = co_await http_.fetch(std::move(r));
  if (!answer) co_return answer.error();
  if (answer->status != 200 && answer->status != 206) co_return refused(*answer);
  // Content-Range: 0-0/1234
  const std::string range(answer->headers.find("Content-Range").value_or(""));
  const auto slash = range.find('/');
  std::int64_t total = 0;
  if (slash != std::string::npos)
    std::from_chars(range.data() + slash + 1, range.data() + range.size(), total);
  co_return total;
}

}  // namespace catwalk::storage
