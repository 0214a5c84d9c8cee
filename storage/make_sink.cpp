#include "config/row_file_ending.hpp"
#include "core/url.hpp"
#include "storage/file_sink.hpp"
#include "storage/postgres_sink.hpp"
#include "storage/sink.hpp"
#include "storage/supabase_sink.hpp"

namespace catwalk::storage {
namespace {

error invalid(std::string on, std::string why, std::string hint) {
  return {errc::invalid_config, "cannot set up the sink", std::move(on), std::move(why), std::move(hint)};
}

layout::settings layout_of(const config::sink_settings& s) {
  layout::settings wanted;
  if (s.layout != "auto") wanted.name = s.layout;
  wanted.columns = s.columns;
  wanted.on_conflict = s.on_conflict;
  return wanted;
}

result<std::unique_ptr<sink>> make_supabase(const config::sink_settings& s, http_client& http,
                                            boost::asio::any_io_executor workers) {
  if (s.url.empty()) return invalid("sink.url", "it is missing", "set sink.url, or SUPABASE_URL");
  if (s.key.empty())
    return invalid("sink.key", "it is missing", "set sink.key, or SUPABASE_KEY, to the service key");
  supabase_options o;
  o.url = s.url.reveal();
  while (!o.url.empty() && o.url.back() == '/') o.url.pop_back();
  constexpr std::string_view path = "/rest/v1";
  if (o.url.size() > path.size() && o.url.compare(o.url.size() - path.size(), path.size(), path) == 0)
    o.url.resize(o.url.size() - path.size());
  const bool web = o.url.rfind("https://", 0) == 0 || o.url.rfind("http://", 0) == 0;
  if (!web || host_of(o.url).empty())
    return invalid("sink.url", "it is no https address", "it looks like https://PROJECT.supabase.co");
  o.key = s.key.reveal();
  if (o.key.find_first_of(" \t\r\n") != std::string::npos)
    return invalid("sink.key", "it holds a blank or a line break", "copy the key again, in one piece");
  if (s.table.empty()) return invalid("sink.table", "it is empty", "name the table, usually products");
  o.table = s.table;
  o.detect_layout = s.layout == "auto";
  o.rows = layout_of(s);
  o.headers = s.headers;
  return std::unique_ptr<sink>(std::make_unique<supabase_sink>(std::move(o), http, std::move(workers)));
}

result<std::unique_ptr<sink>> make_postgres(const config::sink_settings& s) {
  if (s.url.empty())
    return invalid("sink.url", "it is missing",
                   "set sink.url to postgres://USER:PASSWORD@HOST:5432/DATABASE");
  if (s.table.empty()) return invalid("sink.table", "it is empty", "name the table, usually products");
  postgres_options o;
  o.url = s.url.reveal();
  o.table = s.table;
  o.detect_layout = s.layout == "auto";
  o.rows = layout_of(s);
  return std::unique_ptr<sink>(std::make_unique<postgres_sink>(std::move(o)));
}

result<std::unique_ptr<sink>> make_file(const config::sink_settings& s,
                                        boost::asio::any_io_executor workers) {
  if (s.path.empty())
    return invalid("sink.path", "it is missing", "name a file that ends in .jsonl, .csv or .npy");
  if (!config::is_row_file(s.path))
    return invalid("sink.path", config::words_of_ending(s.path),
                   "name a file that ends in .jsonl, .csv or .npy");
  auto rows = layout::make(layout_of(s), std::nullopt);
  if (!rows) return rows.error();
  return std::unique_ptr<sink>(
      std::make_unique<file_sink>(s.path, std::move(*rows), s.batch, std::move(workers)));
}

}  // namespace

result<std::unique_ptr<sink>> make_sink(const config::sink_settings& settings, http_client& http,
                                        boost::asio::any_io_executor workers) {
  if (settings.kind == "none") return std::unique_ptr<sink>();
  if (settings.kind == "supabase") return make_supabase(settings, http, std::move(workers));
  if (settings.kind == "file") return make_file(settings, std::move(workers));
  if (settings.kind == "postgres") return make_postgres(settings);
  return invalid("sink.kind", settings.kind + " is no kind of sink",
                 "it is supabase, postgres, file or none");
}

}  // namespace catwalk::storage
