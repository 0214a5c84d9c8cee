#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <iostream>

#include "core/json_text.hpp"
#include "daemon/adopted_row.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "storage/outbox.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct adopt_options {
  bool vectors = false, json = false;
};

struct adopt_report {
  storage::adoption_counts counts;
  int rows = 0;
  int of_no_site = 0;
  int other_width = 0;
};

/// Reads the sink page by page into the catalogue.
class adopter {
 public:
  adopter(application& app, bool vectors) : app_(app), vectors_(vectors) {}

  asio::awaitable<result<adopt_report>> run() {
    auto described = co_await app_.sink()->describe();
    if (!described) co_return described.error();
    layout_ = described->layout;
    width_ = described->vector_width;
    for (const auto which :
         {storage::stored_rows_query::kind::with_vector, storage::stored_rows_query::kind::without_vector})
      if (auto read = co_await read_all(which); !read) co_return read.error();
    // The sink is known from now on: only what differs goes there.
    auto name = app_.sink()->name();
    const auto known = co_await storage::outbox(app_.database()).adopt_sink(std::move(name));
    if (!known) co_return known.error();
    co_return report_;
  }

 private:
  asio::awaitable<result<void>> read_all(storage::stored_rows_query::kind which) {
    storage::stored_rows_query query;
    query.which = which;
    query.vectors = vectors_ && which == storage::stored_rows_query::kind::with_vector;
    for (;;) {
      auto rows = co_await app_.sink()->read_rows(query);
      if (!rows) co_return rows.error();
      if (rows->empty()) co_return result<void>();
      query.after = rows->back().id;
      if (auto taken = co_await take(std::move(*rows), which); !taken) co_return taken.error();
      spdlog::info("{} rows read", report_.rows);
    }
  }

  asio::awaitable<result<void>> take(std::vector<storage::stored_row> rows,
                                     storage::stored_rows_query::kind which) {
    std::vector<storage::adoptable_row> batch;
    for (auto& row : rows) {
      ++report_.rows;
      const auto* site = site_of_row(row.columns, app_.loaded().sites);
      auto item = site != nullptr ? product_of_row(row, *site, layout_) : std::nullopt;
      if (!item) {
        ++report_.of_no_site;
        continue;
      }
      storage::adoptable_row one;
      one.item = std::move(*item);
      one.has_vector = which == storage::stored_rows_query::kind::with_vector;
      one.by_address = layout_ != "2025-10";
      if (!row.vector.empty()) {
        if (width_ && row.vector.size() != static_cast<std::size_t>(*width_)) ++report_.other_width;
        embedding e;
        e.values = std::move(row.vector);
        e.fingerprint = "adopted";
        const auto model = row.columns.value("embedding_model", nlohmann::json());
        e.model = model.is_string() ? model.get<std::string>() : "adopted";
        one.vector = std::move(e);
      }
      one.columns = std::move(row.columns);
      batch.push_back(std::move(one));
    }
    auto counts = co_await app_.catalogue().adopt(std::move(batch), app_.sink()->shape());
    if (!counts) co_return counts.error();
    report_.counts.adopted += counts->adopted;
    report_.counts.known += counts->known;
    report_.counts.vectors += counts->vectors;
    co_return result<void>();
  }

  application& app_;
  bool vectors_;
  std::string layout_;
  std::optional<int> width_;
  adopt_report report_;
};

asio::awaitable<int> adopt(application& app, adopt_options options) {
  adopter work(app, options.vectors);
  const auto report = co_await work.run();
  if (!report) co_return fail(report.error());
  if (options.json) {
    std::cout << json_text(nlohmann::json{{"rows", report->rows},
                                          {"adopted", report->counts.adopted},
                                          {"known", report->counts.known},
                                          {"vectors", report->counts.vectors},
                                          {"of_no_site", report->of_no_site}},
                           2)
              << '\n';
  } else {
    std::cout << fmt::format("{} rows: {} adopted, {} of products that are known, {} vectors taken over\n",
                             report->rows, report->counts.adopted, report->counts.known,
                             report->counts.vectors);
    if (report->of_no_site > 0)
      std::cout << fmt::format(
          "{} belong to no site of {}: they are neither written nor deleted\n"
          "  (a row's site is the one with its `source`, and its brand, merchant or host where several have "
          "it)\n",
          report->of_no_site, app.loaded().sites_file.string());
  }
  co_return report->of_no_site > 0 ? exit_partly : exit_done;
}

asio::awaitable<int> adopt_and_shut_down(application& app, adopt_options options) {
  const int code = co_await adopt(app, options);
  co_await app.shutdown(app.settings().shutdown_timeout);
  co_return code;
}

int run_adopt(const invocation& to_run, const adopt_options& options) {
  auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  if (loaded->values.sink.kind == "none") return fail_without_sink();
  asio::io_context loop;
  auto app = application::create(loop, std::move(*loaded), {});
  if (!app) return fail(app.error());
  const int code = run_loop(loop, adopt_and_shut_down(**app, options), [] { std::_Exit(exit_interrupted); });
  (*app)->close();
  return code;
}

}  // namespace

void add_sink_adopt(CLI::App& sink, invocation& to_run) {
  auto* command = sink.add_subcommand("adopt", "Learn the rows that the table holds already");
  auto options = std::make_shared<adopt_options>();
  command->add_flag("--vectors", options->vectors, "Read their vectors too, for `catwalk search`");
  command->add_flag("--json", options->json, "Print as JSON");
  command->footer(
      "Afterwards a run rewrites and embeds only what differs, keeps the rows' ids, and knows what is gone.\n"
      "Writes nothing to the sink; again is harmless. Stop the daemon first: one process alone writes "
      "catwalk's data (exit code 4).");
  command->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_adopt(to_run, *options); }; });
}

}  // namespace catwalk::daemon
