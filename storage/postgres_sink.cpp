#include "storage/postgres_sink.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/json_text.hpp"
#include "core/log.hpp"
#include "core/offload.hpp"
#include "storage/copy_writer.hpp"
#include "storage/postgrest_reply.hpp"
#include "storage/sink_migrations.hpp"
#include "storage/vector_fit.hpp"
#include "storage/vector_text.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

std::string literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

/// What turns the text of a column of the temporary table into the real type.
std::string converted(const std::string& from, const std::string& type) {
  if (type == "text") return from;
  if (type.size() > 2 && type.compare(type.size() - 2, 2, "[]") == 0)
    return "case when " + from +
           " is not null then coalesce((select array_agg(e) from "
           "jsonb_array_elements_text(" +
           from + "::jsonb) e), '{}')::" + type + " end";
  return from + "::" + type;
}

/// `extensions.vector` for `extensions.halfvec(512)`: numbers travel as floats, the merge makes them half.
std::string vector_type_beside(const std::string& type) {
  const auto schema = type.rfind('.');
  return (schema == std::string::npos ? "" : type.substr(0, schema + 1)) + "vector";
}

constexpr const char* begin_transaction = "begin; set local statement_timeout = '30s'";

void append_cell(copy_writer& copy, const layout::cell& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return copy.text(*text);
  const auto& document = std::get<json>(value);
  if (document.is_null())
    copy.null();
  else if (const auto* words = document.get_ptr<const std::string*>())
    copy.text(*words);
  else
    copy.text(json_text(document));
}

sink_reply accepted() {
  sink_reply reply;
  reply.what = sink_reply::kind::accepted;
  return reply;
}

}  // namespace

postgres_sink::postgres_sink(postgres_options options)
    : options_(std::move(options)), connection_({.url = options_.url, .cancelled = &stopped_}) {
  conceal_in_logs(options_.url);
}

postgres_sink::~postgres_sink() {
  stopped_ = true;
  thread_.join();
}

std::string postgres_sink::name() const {
  return connection_.where() + " " + options_.table;
}

std::string postgres_sink::table() const {
  return "public." + quoted(options_.table);
}

std::string postgres_sink::type_of(const std::string& column) const {
  const auto found = facts_.columns.find(column);
  return found == facts_.columns.end() ? "text" : found->second;
}

result<sink_description> postgres_sink::look() {
  layout_.reset();
  auto rows = connection_.query(facts_query(options_.table));
  if (!rows) return rows.error();
  auto facts = read_facts(json::parse(rows->text(0, 0), nullptr, false));
  if (!facts || !facts->exists)
    return error{errc::sink_schema, "cannot find the sink's table", options_.table, "",
                 "make it with catwalk sink migrate, or name another in sink.table"};
  facts_ = std::move(*facts);
  auto wanted = options_.rows;
  if (options_.detect_layout) {
    const auto detected = detect_layout(facts_.column_names());
    if (!detected)
      return error{errc::sink_schema, "cannot tell the layout of the sink's table", options_.table,
                   "its columns are of no layout that catwalk knows",
                   "create the table, or name sink.layout and sink.columns"};
    wanted.name = *detected;
  }
  auto made = layout::make(wanted, facts_.column_names());
  if (!made) return made.error();
  sink_description d;
  d.layout = made->name();
  d.has_availability = made->column_of("availability").has_value();
  for (const auto& name : made->left_out())
    d.warnings.push_back("the table has no column " + name + ": it is not written");
  if (made->vector_column()) d.vector_width = vector_width(type_of(*made->vector_column()));
  d.takes_texts = made->text_column().has_value();
  if (d.takes_texts) d.text_width = vector_width(type_of(*made->text_column()));
  width_ = d.vector_width;
  judge(facts_, *made, options_.table, d);
  layout_ = std::make_shared<const layout>(std::move(*made));
  const std::lock_guard held(published_mutex_);
  published_ = layout_;
  return d;
}

std::optional<sink_reply> postgres_sink::look_first() {
  if (layout_) return std::nullopt;
  const auto looked = look();
  if (looked) return std::nullopt;
  auto reply = failed(looked.error(), false);
  const auto code = looked.error().code;
  if (code == errc::sink_schema || code == errc::invalid_config || code == errc::sink_unauthorized)
    reply.what = sink_reply::kind::park;
  return reply;
}

/// What a failure means for the rows, by the same rules as over REST.
sink_reply postgres_sink::failed(error why, bool committing) {
  const auto f = connection_.failure();
  if (why.code == errc::sink_unavailable && f.sqlstate.empty()) {
    auto reply = unknown_outcome(std::move(why));
    // Without its commit a transaction is nothing.
    reply.outcome_unknown = committing;
    return reply;
  }
  if (why.code != errc::sink_rejected && f.sqlstate.empty()) {
    sink_reply reply;
    reply.what = why.code == errc::sink_unauthorized || why.code == errc::invalid_config
                     ? sink_reply::kind::park
                     : sink_reply::kind::retry;
    reply.why = std::move(why);
    return reply;
  }
  auto reply = classify_sqlstate(f.sqlstate, f.message);
  if (!f.detail.empty()) reply.why.why += ": " + f.detail;
  reply.why.on = options_.table;
  if (reply.why.code == errc::sink_schema) layout_.reset();  // looked at anew by the next probe
  return reply;
}

/// `statements` begin with `begin_transaction`.
template <class Statements>
sink_reply postgres_sink::in_transaction(Statements statements) {
  if (const auto done = statements(); !done) {
    auto reply = failed(done.error(), false);
    // With a connection that is lost its transaction is over.
    if (connection_.is_open()) static_cast<void>(connection_.run("rollback"));
    return reply;
  }
  if (auto done = connection_.run("commit"); !done) return failed(done.error(), true);
  return accepted();
}

/// Copies `rows` into a temporary table of these columns and merges it into the sink's, in one transaction
/// and with three waits for an answer: the statements go as one message, and the server takes the rows
/// between them. The commit goes by itself: what this side has given up must not be carried out later.
sink_reply postgres_sink::merge(const std::string& columns, std::string_view rows,
                                const std::string& merging) {
  return in_transaction([&] {
    return connection_.copy_in(
        std::string(begin_transaction) + "; create temporary table catwalk_rows (" + columns +
            ") on commit drop; copy catwalk_rows from stdin (format binary); " + merging,
        rows);
  });
}

sink_reply postgres_sink::write(const std::vector<sink_row>& rows) {
  if (auto bad = look_first()) return *bad;
  const bool with_vector = rows.front().vector.has_value() && layout_->vector_column();
  if (with_vector)
    if (auto parked = parked_for_width(rows, width_, options_.table)) return *parked;
  const bool with_text = rows.front().text.has_value() && layout_->text_column();
  auto names = layout_->columns(with_vector);
  if (with_vector) names.pop_back();  // the vector's column is the last
  std::string made, into, from, merged;
  const auto add = [&](const std::string& column, const std::string& temporary, const std::string& value) {
    made += (made.empty() ? "" : ", ") + temporary;
    into += (into.empty() ? "" : ", ") + quoted(column);
    from += (from.empty() ? "" : ", ") + value;
    const auto& key = layout_->conflict();
    if (std::find(key.begin(), key.end(), column) != key.end()) return;
    merged += (merged.empty() ? "" : ", ") + quoted(column) + " = excluded." + quoted(column);
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto c = "c" + std::to_string(i);
    add(names[i], c + " text", converted(c, type_of(names[i])));
  }
  if (with_vector) {
    const auto type = type_of(*layout_->vector_column());
    add(*layout_->vector_column(), "v " + vector_type_beside(type), "v::" + type);
  }
  if (with_text) {
    const auto type = type_of(*layout_->text_column());
    add(*layout_->text_column(), "t " + vector_type_beside(type), "t::" + type);
  }
  copy_writer copy;
  for (const auto& row : rows) {
    const auto* vector = with_vector ? &*row.vector : nullptr;
    const auto values = layout_->values(row.item, vector);
    copy.row(static_cast<std::uint16_t>(names.size() + (with_vector ? 1 : 0) + (with_text ? 1 : 0)));
    for (const auto& value : values) append_cell(copy, value);
    if (vector != nullptr) copy.vector(vector->values);
    if (with_text) copy.vector(row.text->values);
  }
  std::string key;
  for (const auto& name : layout_->conflict()) key += (key.empty() ? "" : ", ") + quoted(name);
  return merge(made, copy.finish(),
               "insert into " + table() + " (" + into + ") select " + from +
                   " from catwalk_rows on conflict (" + key + ") do " +
                   (merged.empty() ? std::string("nothing") : "update set " + merged));
}

sink_reply postgres_sink::erase(const std::vector<sink_row>& rows) {
  if (auto bad = look_first()) return *bad;
  const auto& key = layout_->conflict();
  json wanted = json::array();
  for (const auto& row : rows)
    if (auto values = layout_->key_of(row.item)) wanted.push_back(std::move(*values));
  std::string where;
  for (std::size_t i = 0; i < key.size(); ++i)
    where += (i == 0 ? "" : " and ") + std::string("t.") + quoted(key[i]) + " = (k ->> " + std::to_string(i) +
             ")::" + type_of(key[i]);
  const auto keys = wanted.dump();
  const auto rest = table() + " t using jsonb_array_elements($1::jsonb) k where " + where;
  const auto change = [&](const std::string& sql) {
    return in_transaction([&]() -> result<void> {
      if (auto begun = connection_.run(begin_transaction); !begun) return begun;
      auto done = connection_.query(sql, {keys});
      if (!done) return done.error();
      return {};
    });
  };
  auto reply = change("delete from " + rest);
  const bool still_used = reply.what == sink_reply::kind::bisect && reply.sqlstate_or_code == "23503";
  if (!still_used || rows.size() != 1) return reply;
  reply = accepted();
  if (const auto column = layout_->column_of("availability"))
    reply = change("update " + table() + " t set " + quoted(*column) +
                   " = 'out_of_stock' from jsonb_array_elements($1::jsonb) k where " + where);
  if (reply.what == sink_reply::kind::accepted) reply.still_used.push_back(rows.front().key);
  return reply;
}

postgres_sink::row_condition postgres_sink::condition(const stored_rows_query& q) const {
  using kind = stored_rows_query::kind;
  row_condition c{"true", {}};
  const auto& vector = layout_->vector_column();
  if (!vector) return {"false", {}};
  const auto column = "t." + quoted(*vector);
  if (q.which == kind::with_vector) c.where = column + " is not null";
  if (q.which == kind::without_vector) c.where = column + " is null";
  if (q.which == kind::not_of_model) {
    const auto model = layout_->column_of("embedding_model");
    c.where = column + " is null";
    if (model) {
      c.values.push_back(q.model);
      c.where = "(" + c.where + " or t." + quoted(*model) + " is distinct from $1)";
    }
  }
  if (q.after) {
    c.values.push_back(*q.after);
    c.where += " and t.id > $" + std::to_string(c.values.size()) + "::" + type_of("id");
  }
  return c;
}

result<std::vector<stored_row>> postgres_sink::read(const stored_rows_query& q) {
  if (auto bad = look_first()) return bad->why;
  const auto& vector = layout_->vector_column();
  if (!vector || facts_.columns.count("id") == 0)
    return error{errc::sink_schema, "cannot read the sink's rows", options_.table,
                 "it has no column for vectors, or no id", "run catwalk sink migrate"};
  const auto column = "t." + quoted(*vector);
  const auto wanted = condition(q);
  const auto rows = connection_.query(
      "select t.id::text, (to_jsonb(t) - " + literal(*vector) + " - 'info_embedding')::text, " + column +
          " is not null, " + (q.vectors ? column + "::text" : std::string("null")) + " from " + table() +
          " t where " + wanted.where + " order by t.id limit " + std::to_string(q.limit),
      wanted.values);
  if (!rows) return rows.error();
  std::vector<stored_row> all;
  for (int i = 0; i < rows->size(); ++i) {
    stored_row row;
    row.id = rows->text(i, 0);
    row.columns = json::parse(rows->text(i, 1), nullptr, false);
    row.has_vector = rows->text(i, 2) == "t";
    if (!rows->is_null(i, 3)) row.vector = vector_from_text(rows->text(i, 3));
    all.push_back(std::move(row));
  }
  return all;
}

sink_reply postgres_sink::set(const std::vector<vector_update>& updates) {
  if (auto bad = look_first()) return *bad;
  const auto& vector = *layout_->vector_column();
  const auto type = type_of(vector);
  const auto model = layout_->column_of("embedding_model");
  copy_writer copy;
  for (const auto& u : updates) {
    copy.row(3);
    copy.text(u.id);
    copy.text(u.vector.model);
    copy.vector(u.vector.values);
  }
  return merge("id text, model text, v " + vector_type_beside(type), copy.finish(),
               "update " + table() + " t set " + quoted(vector) + " = r.v::" + type +
                   (model ? ", " + quoted(*model) + " = r.model" : "") +
                   " from catwalk_rows r where t.id = r.id::" + type_of("id"));
}

asio::awaitable<result<sink_description>> postgres_sink::describe() {
  auto work = [this] { return look(); };
  co_return co_await offload(thread_.get_executor(), std::move(work));
}

asio::awaitable<sink_reply> postgres_sink::upsert(const std::vector<sink_row>& rows) {
  auto work = [this, &rows] {
    auto reply = write(rows);
    const bool second_key = reply.what == sink_reply::kind::bisect && reply.sqlstate_or_code == "23505";
    if (!second_key || rows.size() != 1 || !layout_->column_of("id")) return reply;
    const auto& p = rows.front().item;
    const auto older = connection_.query(
        "select id::text from " + table() + " where source = $1 and product_url = $2 limit 2",
        {p.source, p.product_url});
    if (older && older->size() == 1 && older->text(0, 0) != p.id.str()) reply.held_as = older->text(0, 0);
    return reply;
  };
  co_return co_await offload(thread_.get_executor(), std::move(work));
}

asio::awaitable<sink_reply> postgres_sink::remove(const std::vector<sink_row>& rows) {
  auto work = [this, &rows] { return erase(rows); };
  co_return co_await offload(thread_.get_executor(), std::move(work));
}

asio::awaitable<result<std::vector<stored_row>>> postgres_sink::read_rows(stored_rows_query query) {
  auto work = [this, query = std::move(query)] { return read(query); };
  co_return co_await offload(thread_.get_executor(), std::move(work));
}

asio::awaitable<sink_reply> postgres_sink::set_vectors(std::vector<vector_update> updates) {
  auto work = [this, updates = std::move(updates)] { return set(updates); };
  co_return co_await offload(thread_.get_executor(), std::move(work));
}

asio::awaitable<result<std::int64_t>> postgres_sink::count_rows(stored_rows_query query) {
  auto work = [this, query = std::move(query)]() -> result<std::int64_t> {
    if (auto bad = look_first()) return bad->why;
    const auto wanted = condition(query);
    const auto rows =
        connection_.query("select count(*) from " + table() + " t where " + wanted.where, wanted.values);
    if (!rows) return rows.error();
    return static_cast<std::int64_t>(std::stoll(rows->text(0, 0)));
  };
  co_return co_await offload(thread_.get_executor(), std::move(work));
}

std::shared_ptr<const layout> postgres_sink::shape() const {
  const std::lock_guard held(published_mutex_);
  return published_;
}

}  // namespace catwalk::storage
