#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "core/http_client.hpp"
#include "core/metrics.hpp"
#include "core/task_group.hpp"
#include "daemon/image_stage.hpp"
#include "daemon/intake_gate.hpp"
#include "daemon/model_choice.hpp"
#include "daemon/notifier.hpp"
#include "daemon/paused_sites.hpp"
#include "daemon/site_runner.hpp"
#include "daemon/text_embedder.hpp"
#include "daemon/text_stage.hpp"
#include "embed/encoder.hpp"
#include "scrape/browser.hpp"
#include "scrape/fetcher.hpp"
#include "storage/catalogue.hpp"
#include "storage/sink.hpp"
#include "storage/state_database.hpp"

namespace catwalk::daemon {

/// How a command uses the state folder.
enum class state_access {
  own,           ///< holds the lock and writes
  read,          ///< beside a daemon; no lock, no network
  read_if_there  ///< the same with network, and without a catalogue where there is none yet: dry runs
};

struct application_options {
  bool allow_untrained = false;  ///< send vectors of an untrained model to a real sink
  state_access state = state_access::own;
  bool with_sink = true;  ///< false: as if sink.kind were none
  /// `host:port` (numeric) that the address guard permits besides public addresses: the demo shop's.
  std::vector<std::string> permitted_endpoints;
};

/// The composition root: builds every part from the configuration, in order, and takes them down in the
/// reverse. Loop-only but for create() and close(), which block and are called from main.
class application {
 public:
  /// Opens the state and makes the clients. No network, no model. Errors: those of state_database::open and
  /// make_sink, `invalid_config`.
  static result<std::unique_ptr<application>> create(boost::asio::io_context& loop, config::loaded loaded,
                                                     application_options options);
  ~application();
  application(const application&) = delete;
  application& operator=(const application&) = delete;

  /// Asks the sink what its table looks like, loads the model, checks that they fit, starts the image stage
  /// and the outbox writer. A sink that is away or refuses is a warning (rows wait in the outbox); a model
  /// that is missing or does not fit is an error.
  boost::asio::awaitable<result<void>> start_pipeline();
  /// A part of it, for commands that work on the sink's rows by themselves: asks the sink, and loads the
  /// model.
  boost::asio::awaitable<result<void>> start_encoder();

  /// Carries out runs; not with state_access::read.
  site_runner& runs() noexcept { return *runner_; }
  const site_runner& runs() const noexcept { return *runner_; }
  /// Sites that the schedule leaves out; not where there is no catalogue.
  paused_sites& paused() noexcept { return *paused_; }
  const paused_sites& paused() const noexcept { return *paused_; }

  /// Looks again after start_pipeline() gave `model_missing`; true: start_pipeline() may get further now.
  boost::asio::awaitable<bool> model_is_there();

  /// Ends the runs that are under way: their sites are cancelled, no further image is fetched. run() then
  /// returns.
  void request_stop();
  /// Stops intake, drains the queue, lets the writer send what is due, stops everything; at most `at_most`,
  /// then cancels what is left (nothing is lost: it is in the state).
  boost::asio::awaitable<void> shutdown(std::chrono::milliseconds at_most);
  /// Joins workers and closes the database. Call after the loop has ended.
  void close();

  /// When the schedule next reads a site, for `/health` and the metrics.
  void note_next_run(const std::string& site, std::optional<std::chrono::sys_seconds> when);

  /// The next of all sites' runs, and one site's.
  std::optional<std::chrono::sys_seconds> next_run() const;
  std::optional<std::chrono::sys_seconds> next_run_of(const std::string& site) const;

  /// What `GET /health` answers.
  struct health {
    bool ok = true;
    nlohmann::json body;
  };
  boost::asio::awaitable<health> current_health();

  const config::loaded& loaded() const noexcept { return loaded_; }
  /// See application_options.
  const std::vector<std::string>& permitted_endpoints() const noexcept {
    return options_.permitted_endpoints;
  }
  const config::settings& settings() const noexcept { return loaded_.values; }
  /// Not where state_access::read_if_there found none.
  storage::catalogue& catalogue() noexcept { return *catalogue_; }
  const std::shared_ptr<storage::state_database>& database() const noexcept { return database_; }
  bool has_catalogue() const noexcept { return catalogue_ != nullptr; }
  catwalk::metrics& metrics() noexcept { return metrics_; }
  /// True once start_pipeline() has succeeded: model loaded, database open, images and rows going.
  bool ready() const noexcept { return images_ != nullptr; }
  embed::image_encoder* encoder() noexcept { return encoder_.get(); }
  /// The model's text tower; nullptr: it has none, or vectors come from elsewhere (see no_texts()).
  text_embedder* texts() noexcept { return texts_.get(); }
  /// Why texts() is none, for whoever asks for the vector of a text.
  const error& no_texts() const noexcept { return no_texts_; }
  image_stage* images() noexcept { return images_.get(); }
  storage::outbox_writer* writer() noexcept { return writer_.get(); }
  /// Not where state_access::read_if_there found none.
  const std::shared_ptr<storage::state_database>& database() noexcept { return database_; }
  /// The polite fetcher of pages; not with state_access::read.
  scrape::fetcher& page_lane() noexcept { return *page_lane_; }
  /// The browser for sites that want one; not with state_access::read.
  scrape::browser& browser() noexcept { return *browser_; }
  /// The polite fetcher of pictures; not with state_access::read.
  scrape::fetcher& image_lane() noexcept { return *image_lane_; }
  /// nullptr: none.
  storage::sink* sink() noexcept { return sink_.get(); }
  /// The layout of the sink, or the one that `--output` uses without one.
  std::string layout() const;
  boost::asio::io_context& loop() noexcept { return loop_; }
  boost::asio::any_io_executor cpu() noexcept { return cpu_.get_executor(); }
  /// What is known of the sink's table: as it answered at this start, else at an earlier one.
  boost::asio::awaitable<table_facts> known_table();
  /// Where models are kept: embed.models_dir, relative to the state folder.
  std::filesystem::path models_dir() const;
  const std::filesystem::path& state_dir() const noexcept { return loaded_.state_dir; }

 private:
  application(boost::asio::io_context& loop, config::loaded loaded, application_options options);
  result<void> open();
  result<void> make_clients();
  boost::asio::awaitable<void> start_into(result<void>& outcome);
  boost::asio::awaitable<result<void>> start_parts();
  boost::asio::awaitable<result<void>> describe_sink();
  /// Asks a sink that could not be used again, once a minute, until it can.
  boost::asio::awaitable<void> describe_sink_later();
  boost::asio::awaitable<void> remember_table();
  boost::asio::awaitable<void> warn_of_unknown_rows();
  boost::asio::awaitable<result<void>> start_texts();
  bool embeds_product_texts(bool column) const;
  boost::asio::awaitable<result<void>> load_model();
  boost::asio::awaitable<result<embed::stored_model>> look_for_model();
  boost::asio::awaitable<result<std::unique_ptr<embed::image_encoder>>> load_local_model();
  result<void> check_model(const embed::model_info& model) const;
  /// Why intake must pause, in words; nullopt: it need not.
  std::optional<std::string> disk_nearly_full() const;
  std::optional<std::string> outbox_full() const;
  boost::asio::awaitable<result<void>> start_notifier();
  boost::asio::awaitable<void> watch_loop_latency();
  boost::asio::awaitable<void> update_gauges();

  boost::asio::io_context& loop_;
  config::loaded loaded_;
  application_options options_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  boost::asio::thread_pool cpu_;
  catwalk::metrics metrics_;
  std::unique_ptr<http_client> shop_http_, sink_http_;
  std::shared_ptr<scrape::robots_cache> robots_;
  std::unique_ptr<scrape::fetcher> page_lane_, image_lane_;
  std::unique_ptr<scrape::browser> browser_;
  std::shared_ptr<storage::state_database> database_;
  std::unique_ptr<storage::catalogue> catalogue_;
  std::unique_ptr<paused_sites> paused_;
  std::unique_ptr<storage::sink> sink_;
  std::optional<storage::sink_description> description_;
  std::optional<error> sink_problem_;
  std::optional<error> model_problem_;  ///< why there is no model to load
  std::unique_ptr<embed::image_encoder> encoder_;
  std::unique_ptr<text_embedder> texts_;
  error no_texts_{errc::model_missing, "cannot embed text", "", "the model is not loaded yet",
                  "try again in a moment"};
  std::unique_ptr<storage::outbox_writer> writer_;
  std::unique_ptr<notifier> notifier_;  ///< where notify.url is set
  std::unique_ptr<image_stage> images_;
  std::unique_ptr<text_stage> product_texts_;
  std::unique_ptr<intake_gate> page_gate_, image_gate_;
  std::unique_ptr<site_runner> runner_;
  std::map<std::string, std::chrono::sys_seconds> next_runs_;  ///< by site
  bool stopping_ = false;
  task_group* startup_ = nullptr;  ///< while start_pipeline() is under way
  task_group tasks_;
};

}  // namespace catwalk::daemon
