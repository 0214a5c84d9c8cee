#include "storage/supabase_sink.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/log.hpp"
#include "core/url.hpp"
#include "storage/postgrest_reply.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr std::size_t largest_description = 32'000'000;
constexpr std::size_t largest_answer = 1'000'000;

/// The width in `vector(512)`, `extensions.halfvec(768)` …; nullopt for other types.
std::optional<int> width_in(std::string_view format) {
  const auto open = format.rfind('(');
  if (open == std::string_view::npos) return std::nullopt;
  auto type = format.substr(0, open);
  if (const auto schema = type.rfind('.'); schema != std::string_view::npos) type.remove_prefix(schema + 1);
  if (type != "vector" && type != "halfvec") return std::nullopt;
  int width = 0;
  const auto digits = format.substr(open + 1);
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), width);
  if (problem != std::errc() || end == digits.data() + digits.size() || *end != ')') return std::nullopt;
  return width;
}

std::string joined(const std::vector<std::string>& names, bool quoted) {
  std::string list;
  for (const auto& name : names) {
    if (!list.empty()) list += ',';
    list += quoted ? "%22" + percent_encode(name) + "%22" : percent_encode(name);
  }
  return list;
}

}  // namespace

supabase_sink::supabase_sink(supabase_options options, http_client& http)
    : options_(std::move(options)), http_(http) {
  conceal_in_logs(options_.key);
}

std::string supabase_sink::name() const {
  return "supabase " + redacted(options_.url) + " " + options_.table;
}

http_request supabase_sink::request(std::string method, std::string path_and_query) const {
  http_request r;
  r.method = std::move(method);
  r.url = options_.url + "/rest/v1/" + path_and_query;
  for (const auto& [name, value] : options_.headers) r.headers.set(name, value);
  r.headers.set("apikey", options_.key);
  // A new key as a Bearer is taken for a broken JWT.
  if (options_.key.rfind("eyJ", 0) == 0) r.headers.set("Authorization", "Bearer " + options_.key);
  // A browser's name with a secret key is refused by the gateway.
  r.headers.set("User-Agent", "catwalk/" CATWALK_VERSION);
  r.timeout = std::chrono::seconds(60);
  r.max_bytes = largest_answer;
  // A POST that follows a redirect becomes a GET, which would look like a success.
  r.max_redirects = 0;
  return r;
}

asio::awaitable<result<http_response>> supabase_sink::get(std::string path_and_query, std::string accept) {
  auto r = request("GET", std::move(path_and_query));
  r.headers.set("Accept", std::move(accept));
  r.max_bytes = largest_description;
  co_return co_await http_.fetch(std::move(r));
}

error supabase_sink::refused(const http_response& answer) const {
  auto reply = classify_postgrest(answer, wall_now());
  auto e = std::move(reply.why);
  e.what = "cannot read the columns of the sink's table";
  e.on = options_.table;
  if (e.code == errc::sink_rejected) e.code = errc::sink_unavailable;
  return e;
}

asio::awaitable<result<supabase_sink::table_columns>> supabase_sink::read_columns() {
  auto answer = co_await get("", "application/openapi+json");
  if (!answer) co_return answer.error();
  const auto status = answer->status;
  if (status == 401 || status == 402 || status == 429 || status >= 500) co_return refused(*answer);
  const auto document = json::parse(answer->body, nullptr, false);
  const bool readable = status == 200 && document.is_object() && document.contains("definitions");
  if (!readable) co_return co_await probe_columns();
  const auto& tables = document["definitions"];
  const auto table = tables.find(options_.table);
  if (table == tables.end()) {
    // The document lists what the key may see; the table may still answer.
    co_return co_await probe_columns();
  }
  table_columns found;
  if (!table->is_object()) co_return co_await probe_columns();
  const auto properties = table->value("properties", json::object());
  for (const auto& [name, property] : properties.items()) {
    found.names.insert(name);
    const auto format = property.is_object() ? property.value("format", json()) : json();
    if (format.is_string()) found.formats[name] = format.get<std::string>();
  }
  co_return found;
}

asio::awaitable<result<supabase_sink::table_columns>> supabase_sink::probe_columns() {
  table_columns found;
  auto candidates = known_columns();
  for (const auto& [field, column] : options_.rows.columns)
    if (column) candidates.insert(*column);
  for (const auto& name : candidates) {
    auto answer = co_await get(
        percent_encode(options_.table) + "?select=" + percent_encode(name) + "&limit=0", "application/json");
    if (!answer) co_return answer.error();
    if (answer->status == 200) {
      found.names.insert(name);
      continue;
    }
    const auto reply = classify_postgrest(*answer, wall_now());
    if (reply.sqlstate_or_code != "42703") co_return refused(*answer);
  }
  co_return found;
}

asio::awaitable<result<std::optional<int>>> supabase_sink::width_of_a_row(std::string column) {
  const auto name = percent_encode(column);
  auto answer =
      co_await get(percent_encode(options_.table) + "?select=" + name + "&" + name + "=not.is.null&limit=1",
                   "application/json");
  if (!answer) co_return answer.error();
  const auto rows = json::parse(answer->body, nullptr, false);
  if (answer->status != 200 || !rows.is_array() || rows.empty()) co_return std::optional<int>();
  if (!rows.front().is_object()) co_return std::optional<int>();
  const auto value = rows.front().value(column, json());
  if (value.is_array()) co_return std::optional<int>(static_cast<int>(value.size()));
  // Vectors read back as text: "[0.1,0.2]".
  if (!value.is_string()) co_return std::optional<int>();
  const auto text = value.get<std::string>();
  co_return std::optional<int>(static_cast<int>(std::count(text.begin(), text.end(), ',')) + 1);
}

asio::awaitable<result<sink_description>> supabase_sink::describe() {
  layout_.reset();
  auto columns = co_await read_columns();
  if (!columns) co_return columns.error();
  sink_description description;
  auto wanted = options_.rows;
  if (options_.detect_layout) {
    const auto detected = catwalk::storage::detect_layout(columns->names);
    if (!detected)
      co_return error{
          errc::sink_schema, "cannot tell the layout of the sink's table", options_.table,
          columns->names.empty() ? "it shows no columns" : "its columns are of no layout that catwalk knows",
          "create the table, or name sink.layout and sink.columns"};
    wanted.name = *detected;
  }
  auto made = layout::make(wanted, columns->names);
  if (!made) co_return made.error();
  description.layout = made->name();
  for (const auto& name : made->left_out())
    description.warnings.push_back("the table has no column " + name + ": it is not written");
  if (const auto& column = made->vector_column()) {
    description.vector_width = width_in(columns->formats[*column]);
    if (!description.vector_width) {
      auto width = co_await width_of_a_row(*column);
      if (!width) co_return width.error();
      description.vector_width = *width;
    }
    if (!description.vector_width)
      description.warnings.push_back("the width of column " + *column +
                                     " is not known; a wrong one shows at the first row");
  }
  layout_ = std::move(*made);
  width_ = description.vector_width;
  co_return description;
}

asio::awaitable<sink_reply> supabase_sink::send(std::string body, bool with_vector) {
  auto r =
      request("POST", percent_encode(options_.table) + "?on_conflict=" + joined(layout_->conflict(), false) +
                          "&columns=" + joined(layout_->columns(with_vector), true));
  r.headers.set("Content-Type", "application/json");
  r.headers.set("Prefer", "resolution=merge-duplicates,return=minimal");
  r.body = std::move(body);
  auto answer = co_await http_.fetch(std::move(r));
  if (!answer) co_return unknown_outcome(answer.error());
  co_return classify_postgrest(*answer, wall_now());
}

asio::awaitable<sink_reply> supabase_sink::upsert(const std::vector<sink_row>& rows) {
  if (!layout_) {
    auto described = co_await describe();
    if (!described) {
      sink_reply reply;
      reply.why = described.error();
      const auto code = reply.why.code;
      const bool wants_someone =
          code == errc::sink_unauthorized || code == errc::sink_schema || code == errc::invalid_config;
      reply.what = wants_someone ? sink_reply::kind::park : sink_reply::kind::retry;
      co_return reply;
    }
  }
  const bool with_vector = rows.front().vector.has_value();
  if (with_vector && width_ && rows.front().vector->values.size() != static_cast<std::size_t>(*width_)) {
    // Known before anything is sent: no row is at fault, so none may become a dead letter.
    sink_reply reply;
    reply.what = sink_reply::kind::park;
    reply.why = {errc::model_mismatch, "the vectors do not fit the sink's table", options_.table,
                 "they have " + std::to_string(rows.front().vector->values.size()) +
                     " numbers, the column takes " + std::to_string(*width_),
                 "choose a model of that width with embed.model, or change the column"};
    co_return reply;
  }
  std::string body = "[";
  for (const auto& row : rows) {
    if (body.size() > 1) body += ',';
    body += layout_->row_text(row.item, row.vector ? &*row.vector : nullptr);
  }
  body += ']';
  auto reply = co_await send(std::move(body), with_vector);
  if (reply.why.code == errc::sink_schema && reply.what == sink_reply::kind::park)
    layout_.reset();  // the table is looked at anew by the next probe
  const bool second_key = reply.what == sink_reply::kind::bisect && reply.sqlstate_or_code == "23505";
  if (!second_key || rows.size() != 1) co_return reply;

  // The table knows this product under an older id: that row is updated and keeps its id.
  auto older = co_await find_older_id(rows.front().item);
  if (!older) co_return reply;
  auto item = rows.front().item;
  item.id = product_id(*older);
  std::string again = "[" + layout_->row_text(item, with_vector ? &*rows.front().vector : nullptr) + "]";
  reply = co_await send(std::move(again), with_vector);
  if (reply.what == sink_reply::kind::accepted) reply.older_ids.emplace_back(rows.front().key, *older);
  co_return reply;
}

asio::awaitable<std::optional<std::string>> supabase_sink::find_older_id(const product& p) {
  const auto& names = layout_->columns(false);
  for (const char* needed : {"id", "source", "product_url"})
    if (std::find(names.begin(), names.end(), needed) == names.end()) co_return std::nullopt;
  auto answer =
      co_await get(percent_encode(options_.table) + "?select=id&source=eq." + percent_encode(p.source) +
                       "&product_url=eq." + percent_encode(p.product_url) + "&limit=2",
                   "application/json");
  if (!answer || answer->status != 200) co_return std::nullopt;
  const auto rows = json::parse(answer->body, nullptr, false);
  if (!rows.is_array() || rows.size() != 1) co_return std::nullopt;
  if (!rows.front().is_object()) co_return std::nullopt;
  const auto id = rows.front().value("id", json());
  if (!id.is_string() || id.get<std::string>() == p.id.str()) co_return std::nullopt;
  co_return id.get<std::string>();
}

}  // namespace catwalk::storage
