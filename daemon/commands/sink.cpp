#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <iostream>

#include "config/database_url.hpp"
#include "core/file.hpp"
#include "core/json_text.hpp"
#include "core/log.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/model_choice.hpp"
#include "storage/postgres_connection.hpp"
#include "storage/sink_check.hpp"
#include "storage/sink_migrations.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct sink_options {
  std::optional<int> width;
  bool half = false, prices = false, events = false, json = false;
  std::string connection;
};

/// The width that the table's vectors shall have: asked for, or that of the model in use.
int wanted_width(const config::loaded& loaded, const sink_options& options) {
  if (options.width) return *options.width;
  const auto model = choose_model(loaded.values, loaded.state_dir / loaded.values.embed.models_dir);
  return model ? model->info.dim : 512;
}

storage::migration_options migration_of(const config::loaded& loaded, const sink_options& options) {
  storage::migration_options wanted;
  wanted.table = loaded.values.sink.table;
  wanted.width = wanted_width(loaded, options);
  wanted.half = options.half;
  wanted.prices = options.prices;
  wanted.events = options.events;
  return wanted;
}

/// Where Postgres is: in a file that is named, or where config::database_url finds it. Never an argument,
/// which others see.
result<std::string> connection_string(const config::loaded& loaded, const sink_options& options) {
  if (!options.connection.empty()) {
    const auto text = read_file(options.connection);
    if (!text) return text.error();
    auto url = std::string(text->begin(), text->end());
    while (!url.empty() && (url.back() == '\n' || url.back() == '\r' || url.back() == ' ')) url.pop_back();
    return url;
  }
  if (auto url = config::database_url(loaded)) return *url;
  return error{errc::invalid_config, "there is no connection string for Postgres", "", "",
               "set SUPABASE_DB_URL (Supabase: Connect, Session pooler), name a file that holds it with "
               "--connection, or paste what `catwalk sink sql` prints into the SQL editor"};
}

int run_sql(const invocation& to_run, const sink_options& options) {
  const auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  std::cout << storage::migration_sql(migration_of(*loaded, options));
  return exit_done;
}

result<storage::table_facts> ask_for_facts(storage::postgres_connection& to, const std::string& table) {
  auto rows = to.query(storage::facts_query(table));
  if (!rows) return rows.error();
  auto facts = storage::read_facts(nlohmann::json::parse(rows->text(0, 0), nullptr, false));
  if (!facts) return error{errc::malformed, "cannot read what Postgres says of the table", table, "", ""};
  return *facts;
}

/// The width of the vectors that are there; nullopt where there are none.
std::optional<int> width_of(const storage::table_facts& facts) {
  for (const char* name : {"image_embedding", "embedding"})
    if (const auto column = facts.columns.find(name); column != facts.columns.end())
      return storage::vector_width(column->second);
  return std::nullopt;
}

int run_migrate(const invocation& to_run, const sink_options& options) {
  const auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  const auto url = connection_string(*loaded, options);
  if (!url) return fail(url.error());
  conceal_in_logs(*url);
  storage::postgres_connection to({.url = *url, .answer_timeout = std::chrono::minutes(30)});
  auto wanted = migration_of(*loaded, options);
  const auto before = ask_for_facts(to, wanted.table);
  if (!before) return fail(before.error());
  // A table keeps the width it has, unless someone asks for another: then the migration refuses it.
  const bool model_named = loaded->values.embed.model != "auto";
  if (const auto width = width_of(*before); width && !options.width && !model_named) wanted.width = *width;
  if (auto done = to.run(storage::migration_sql(wanted)); !done) {
    auto e = done.error();
    e.what = "cannot migrate the sink's table";
    e.on = wanted.table;
    return fail(e);
  }
  const auto after = ask_for_facts(to, wanted.table);
  if (!after) return fail(after.error());
  int columns = 0;
  for (const auto& [name, type] : after->columns) columns += before->columns.count(name) == 0 ? 1 : 0;
  std::cout << fmt::format("{} {} in {}: {} columns added, {} keys, vectors of {} numbers{}\n", wanted.table,
                           before->exists ? "is migrated" : "is made", to.where(), columns,
                           after->unique_keys.size(), wanted.width,
                           after->searchable.empty() ? "" : ", searchable");
  return exit_done;
}

nlohmann::json as_json(const storage::sink_description& d, const std::string& name) {
  nlohmann::json j{{"sink", name},
                   {"layout", d.layout},
                   {"vector_width", nullptr},
                   {"half_vectors", d.half_vectors},
                   {"role", d.role},
                   {"rows", nullptr},
                   {"migrated", d.can_set_vectors},
                   {"warnings", d.warnings},
                   {"sql", d.mending_sql}};
  if (d.vector_width) j["vector_width"] = *d.vector_width;
  if (d.rows) j["rows"] = *d.rows;
  return j;
}

void print_status(const storage::sink_description& d, const std::string& name, std::int64_t products) {
  std::cout << name << '\n'
            << fmt::format(
                   "  layout    {}\n  vectors   {}\n  role      {}\n  migrated  {}\n", d.layout,
                   d.vector_width ? fmt::format("{} numbers{}", *d.vector_width,
                                                d.half_vectors ? ", half precision" : "")
                                  : std::string("of unknown width"),
                   d.role.empty() ? "not known" : d.role,
                   d.can_set_vectors ? "yes" : "no: `catwalk sink migrate`, or paste `catwalk sink sql`");
  const auto rows = std::max(products, d.rows.value_or(0));
  const int width = d.vector_width.value_or(512);
  const auto megabytes = [&](bool half) { return storage::expected_bytes(rows, width, half) / 1'000'000; };
  std::cout << fmt::format(
      "  size      {} rows take about {} MB with vectors and index; a free project holds {}\n", rows,
      megabytes(d.half_vectors), storage::free_tier_bytes / 1'000'000);
  if (!d.half_vectors && storage::expected_bytes(rows, width, false) > storage::free_tier_bytes)
    std::cout << fmt::format("            with halfvec about {} MB: `catwalk sink sql --half`\n",
                             megabytes(true));
  for (const auto& warning : d.warnings) std::cout << "  warning   " << warning << '\n';
  if (!d.mending_sql.empty()) std::cout << "\nThis mends it:\n\n" << d.mending_sql;
}

asio::awaitable<int> status(application& app, bool json) {
  auto described = co_await app.sink()->describe();
  if (!described) co_return fail(described.error());
  std::int64_t products = 0;
  if (app.has_catalogue()) {
    const auto counts = co_await app.catalogue().counts();
    if (counts) products = counts->products;
  }
  if (json)
    std::cout << json_text(as_json(*described, app.sink()->name()), 2) << '\n';
  else
    print_status(*described, app.sink()->name(), products);
  co_return described->mending_sql.empty() ? exit_done : exit_partly;
}

asio::awaitable<int> status_and_shut_down(application& app, bool json) {
  const int code = co_await status(app, json);
  co_await app.shutdown(app.settings().shutdown_timeout);
  co_return code;
}

int run_status(const invocation& to_run, const sink_options& options) {
  auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  if (loaded->values.sink.kind == "none") return fail_without_sink();
  asio::io_context loop;
  application_options app_options;
  app_options.state = state_access::read_if_there;
  auto app = application::create(loop, std::move(*loaded), app_options);
  if (!app) return fail(app.error());
  const int code = run_loop(loop, status_and_shut_down(**app, options.json), [&] { (*app)->request_stop(); });
  (*app)->close();
  return code;
}

void add_migration_options(CLI::App& command, sink_options& options) {
  command.add_option("--width", options.width, "Numbers of a vector (default: the model's)")
      ->type_name("N")
      ->check(CLI::Range(1, 16'000));
  command.add_flag("--half", options.half, "halfvec: vectors in half the space");
  command.add_flag("--prices", options.prices, "Also price_amount, price_currency, sale_amount");
  command.add_flag("--events", options.events, "Also product_events: new, price_drop, back_in_stock, gone");
}

}  // namespace

void add_sink(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("sink", "The table that rows go to: print its SQL, migrate it, check it")
                      ->group("Catalogue");
  command->require_subcommand(1);
  auto options = std::make_shared<sink_options>();

  auto* sql = command->add_subcommand("sql", "Print the SQL that makes the table, or mends it");
  add_migration_options(*sql, *options);
  sql->footer(
      "For Supabase's SQL editor. Runs on an empty database and on a table with rows; twice is harmless.");
  sql->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_sql(to_run, *options); }; });

  auto* migrate = command->add_subcommand("migrate", "Apply that SQL over a connection to Postgres");
  add_migration_options(*migrate, *options);
  migrate->add_option("--connection", options->connection, "A file that holds postgres://…")
      ->type_name("FILE");
  migrate->footer(
      "The connection string is that of --connection, else sink.url of kind postgres, else SUPABASE_DB_URL, "
      "else "
      "DATABASE_URL, of the environment or of .env.");
  migrate->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_migrate(to_run, *options); }; });

  add_sink_adopt(*command, to_run);

  auto* state = command->add_subcommand("status", "Say what the table is like and what it lacks");
  state->add_flag("--json", options->json, "Print as JSON");
  state->footer("Exit 3 where something is to be mended; the SQL for it is printed.");
  state->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_status(to_run, *options); }; });
}

}  // namespace catwalk::daemon
