#include "storage/supabase_sink.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/log.hpp"
#include "core/offload.hpp"
#include "core/url.hpp"
#include "storage/postgrest_filter.hpp"
#include "storage/postgrest_reply.hpp"
#include "storage/sink_check.hpp"
#include "storage/vector_fit.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr std::size_t largest_description = 32'000'000;
constexpr std::size_t largest_answer = 1'000'000;

/// The role behind a key, where the key says it.
std::string role_of(const std::string& key) {
  if (key.rfind("sb_secret_", 0) == 0) return "service_role";
  if (key.rfind("sb_publishable_", 0) == 0) return "anon";
  const auto first = key.find('.');
  const auto second = key.find('.', first + 1);
  if (first == std::string::npos || second == std::string::npos) return {};
  std::string bits;
  unsigned value = 0;
  int held = 0;
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (const char c : key.substr(first + 1, second - first - 1)) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos) return {};
    value = value << 6 | static_cast<unsigned>(digit);
    if ((held += 6) >= 8) {
      held -= 8;
      bits += static_cast<char>(value >> held & 0xFF);
    }
  }
  const auto claims = json::parse(bits, nullptr, false);
  const auto role = claims.is_object() ? claims.value("role", json()) : json();
  return role.is_string() ? role.get<std::string>() : std::string();
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

supabase_sink::supabase_sink(supabase_options options, http_client& http, asio::any_io_executor workers)
    : options_(std::move(options)), http_(http), workers_(std::move(workers)) {
  conceal_in_logs(options_.key);
}

std::string supabase_sink::name() const {
  return "supabase " + redacted(options_.url) + " " + options_.table;
}

http_request supabase_sink::request(std::string method, const std::string& path_and_query) const {
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
  auto r = request("GET", path_and_query);
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
  auto learned = co_await learn();
  if (learned) co_await look_closer(*learned);
  co_return learned;
}

asio::awaitable<result<sink_description>> supabase_sink::learn() {
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
    description.vector_width = vector_width(columns->formats[*column]);
    if (!description.vector_width) {
      auto width = co_await width_of_a_row(*column);
      if (!width) co_return width.error();
      description.vector_width = *width;
    }
    if (!description.vector_width)
      description.warnings.push_back("the width of column " + *column +
                                     " is not known; a wrong one shows at the first row");
  }
  description.has_availability = made->column_of("availability").has_value();
  if (const auto& column = made->text_column()) {
    description.takes_texts = true;
    description.text_width = vector_width(columns->formats[*column]);
  }
  layout_ = std::make_shared<const layout>(std::move(*made));
  width_ = description.vector_width;
  co_return description;
}

/// What only the database knows: keys, triggers, sizes. Asked of a function that the migrations make; without
/// it the key and what it sees must do.
asio::awaitable<void> supabase_sink::look_closer(sink_description& description) {
  const auto answer = co_await get("rpc/catwalk_table_facts", "application/json");
  if (answer && answer->status == 200) {
    const auto facts = read_facts(json::parse(answer->body, nullptr, false));
    if (facts && facts->exists) {
      judge(*facts, *layout_, options_.table, description);
      can_set_vectors_ = description.can_set_vectors;
      co_return;
    }
  }
  description.role = role_of(options_.key);
  if (description.role.empty() || description.role == "service_role") co_return;
  const auto seen = co_await get(
      percent_encode(options_.table) + "?select=" + percent_encode(layout_->conflict().front()) + "&limit=1",
      "application/json");
  if (seen && seen->status == 200 && seen->body == "[]")
    description.warnings.push_back(
        "the key's role " + description.role +
        " sees no row: the table is empty, or row security hides its rows from this "
        "key; catwalk takes the project's service key");
}

asio::awaitable<sink_reply> supabase_sink::send(const layout& form, std::string body, bool with_vector,
                                                bool with_text) {
  co_return co_await post(percent_encode(options_.table) + "?on_conflict=" + joined(form.conflict(), false) +
                              "&columns=" + joined(form.columns(with_vector, with_text), true),
                          std::move(body), "resolution=merge-duplicates,return=minimal");
}

asio::awaitable<sink_reply> supabase_sink::post(std::string path, std::string body, std::string prefer) {
  auto r = request("POST", path);
  r.headers.set("Content-Type", "application/json");
  r.headers.set("Prefer", std::move(prefer));
  r.body = std::move(body);
  auto answer = co_await http_.fetch(std::move(r));
  if (!answer) co_return unknown_outcome(answer.error());
  co_return classify_postgrest(*answer, wall_now());
}

/// Learns the table where it is not known; why that failed, if it did.
asio::awaitable<std::optional<sink_reply>> supabase_sink::describe_first() {
  if (layout_) co_return std::nullopt;
  const auto described = co_await learn();
  if (described) co_return std::nullopt;
  sink_reply reply;
  reply.why = described.error();
  const auto code = reply.why.code;
  const bool wants_someone =
      code == errc::sink_unauthorized || code == errc::sink_schema || code == errc::invalid_config;
  reply.what = wants_someone ? sink_reply::kind::park : sink_reply::kind::retry;
  co_return reply;
}

asio::awaitable<sink_reply> supabase_sink::change(std::string method, std::string filter, std::string body) {
  auto r = request(std::move(method), percent_encode(options_.table) + "?" + std::move(filter));
  r.headers.set("Prefer", "return=minimal");
  if (!body.empty()) r.headers.set("Content-Type", "application/json");
  r.body = std::move(body);
  auto answer = co_await http_.fetch(std::move(r));
  if (!answer) co_return unknown_outcome(answer.error());
  co_return classify_postgrest(*answer, wall_now());
}

asio::awaitable<sink_reply> supabase_sink::remove(const std::vector<sink_row>& rows) {
  if (auto failed = co_await describe_first()) co_return *failed;
  std::vector<const product*> items;
  items.reserve(rows.size());
  for (const auto& row : rows) items.push_back(&row.item);
  sink_reply reply;
  reply.what = sink_reply::kind::accepted;
  for (const auto& filter : filters_by_key(*layout_, items)) {
    reply = co_await change("DELETE", filter.query, "");
    const bool still_used = reply.what == sink_reply::kind::bisect && reply.sqlstate_or_code == "23503";
    if (reply.what == sink_reply::kind::accepted) continue;
    if (!still_used || rows.size() != 1) co_return reply;
    // Something of the app's points at the product: its row stays.
    reply.what = sink_reply::kind::accepted;
    if (const auto column = layout_->column_of("availability")) {
      json out_of_stock = json::object();
      out_of_stock[*column] = "out_of_stock";
      reply = co_await change("PATCH", filter.query, out_of_stock.dump());
    }
    if (reply.what == sink_reply::kind::accepted) reply.still_used.push_back(rows.front().key);
  }
  co_return reply;
}

asio::awaitable<sink_reply> supabase_sink::upsert(const std::vector<sink_row>& rows) {
  if (auto failed = co_await describe_first()) co_return *failed;
  const bool with_vector = rows.front().vector.has_value();
  const bool with_text = rows.front().text.has_value();
  if (auto parked = parked_for_width(rows, width_, options_.table)) co_return *parked;
  // Another request may have the table looked at anew meanwhile.
  const auto form = layout_;
  auto write = [&rows, form] {
    std::string text = "[";
    for (const auto& row : rows) {
      if (text.size() > 1) text += ',';
      form->append_row(text, row.item, row.vector ? &*row.vector : nullptr, row.text ? &*row.text : nullptr);
      // The others take as much room: grown step by step, the text would be moved time and again.
      if (&row == &rows.front()) text.reserve(rows.size() * (text.size() + text.size() / 8));
    }
    text += ']';
    return text;
  };
  auto body = co_await offload(workers_, std::move(write));
  auto reply = co_await send(*form, std::move(body), with_vector, with_text);
  if (reply.why.code == errc::sink_schema && reply.what == sink_reply::kind::park)
    layout_.reset();  // the table is looked at anew by the next probe
  const bool second_key = reply.what == sink_reply::kind::bisect && reply.sqlstate_or_code == "23505";
  if (!second_key || rows.size() != 1) co_return reply;

  auto held_as = co_await find_older_id(*form, rows.front().item);
  reply.held_as = std::move(held_as);
  co_return reply;
}

asio::awaitable<std::optional<std::string>> supabase_sink::find_older_id(const layout& form,
                                                                         const product& p) {
  const auto& names = form.columns(false);
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
