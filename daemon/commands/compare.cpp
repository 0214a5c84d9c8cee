#include <spdlog/fmt/fmt.h>

#include <boost/asio/io_context.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/json_text.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/model_choice.hpp"
#include "daemon/remote_choice.hpp"
#include "daemon/similarity.hpp"
#include "embed/worker_pool.hpp"
#include "scrape/image_source.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct compare_options {
  std::string remote;
  std::vector<std::string> images;
  std::optional<int> sample;
  double threshold = 0.95;
  bool json = false;
};

bool is_address(const std::string& input) {
  return input.starts_with("http://") || input.starts_with("https://");
}

/// Embeds the same pictures here and there.
class comparison_run {
 public:
  comparison_run(asio::io_context& loop, const config::settings& settings, embed::image_encoder& local,
                 embed::image_encoder& remote)
      : settings_(settings),
        local_(local),
        remote_(remote),
        http_(loop.get_executor(), {.name = "images",
                                    .user_agent = settings.fetch.user_agent,
                                    .guard_addresses = !settings.fetch.allow_private_addresses,
                                    .permitted_endpoints = {},
                                    .http_proxy = settings.fetch.http_proxy,
                                    .https_proxy = settings.fetch.https_proxy,
                                    .no_proxy = settings.fetch.no_proxy,
                                    .unix_socket = {}}) {}

  asio::awaitable<int> run(std::vector<std::string> images, compare_options options) {
    auto lines = nlohmann::json::array();
    std::vector<double> cosines;
    std::optional<error> first_failure;
    for (const auto& image : images) {
      auto found = co_await compare(image);
      if (found) {
        cosines.push_back(*found);
        lines.push_back({{"image", image}, {"cosine", *found}});
        if (!options.json) std::cout << fmt::format("{:.6f}  {}\n", *found, image) << std::flush;
      } else {
        if (!first_failure) first_failure = found.error();
        lines.push_back({{"image", image}, {"error", found.error().to_string()}});
        std::cerr << "catwalk: " << found.error().to_string() << '\n';
      }
    }
    if (cosines.empty()) co_return fail(*first_failure);
    const auto summary = summarise(cosines);
    const bool alike = summary.least >= options.threshold;
    if (options.json) {
      std::cout << json_text({{"images", std::move(lines)},
                              {"compared", cosines.size()},
                              {"min", summary.least},
                              {"p5", summary.percentile_5},
                              {"median", summary.median},
                              {"threshold", options.threshold},
                              {"alike", alike}},
                             2)
                << '\n';
    } else {
      std::cout << fmt::format("{} of {} compared: min {:.6f}, p5 {:.6f}, median {:.6f}; {} {}\n",
                               cosines.size(), images.size(), summary.least, summary.percentile_5,
                               summary.median, alike ? "none is below" : "some are below", options.threshold);
    }
    co_return !alike ? exit_failed : first_failure ? exit_partly : exit_done;
  }

 private:
  asio::awaitable<result<double>> compare(const std::string& image) {
    auto bytes = co_await read(image);
    if (!bytes) co_return bytes.error();
    auto here = co_await local_.encode(*bytes, image, embed::lane::bulk);
    if (!here) co_return here.error();
    auto there = co_await remote_.encode(std::move(*bytes), image, embed::lane::bulk);
    if (!there) co_return there.error();
    if (here->values.size() != there->values.size())
      co_return error{errc::model_mismatch, "cannot compare", image,
                      "the vectors have " + std::to_string(here->values.size()) + " and " +
                          std::to_string(there->values.size()) + " numbers",
                      "the two run different models: name one in embed.model"};
    co_return cosine(here->values, there->values);
  }

  asio::awaitable<result<std::string>> read(const std::string& image) {
    if (!is_address(image)) co_return read_file(image);
    auto request = scrape::image_request(image, nullptr, settings_.fetch).http;
    auto response = co_await http_.fetch(std::move(request));
    if (!response) co_return response.error();
    if (response->status == 200) co_return std::move(response->body);
    error e{errc::http_status, "cannot fetch image", image,
            "the server answered " + std::to_string(response->status), ""};
    e.http_status = response->status;
    co_return e;
  }

  const config::settings& settings_;
  embed::image_encoder& local_;
  embed::image_encoder& remote_;
  http_client http_;
};

/// Pictures of the catalogue, drawn at random.
asio::awaitable<result<std::vector<std::string>>> sample(application& app, int count) {
  auto drawn = co_await app.catalogue().sample_images(count);
  if (!drawn) co_return drawn.error();
  if (drawn->empty())
    co_return error{errc::not_found, "there is nothing to compare", "", "the catalogue has no picture yet",
                    "name some pictures, or run `catwalk scrape` first"};
  co_return std::move(*drawn);
}

asio::awaitable<int> compare(asio::io_context& loop, application* app, const config::loaded& loaded,
                             compare_options options) {
  auto images = options.images;
  if (app != nullptr) {
    auto drawn = co_await sample(*app, options.sample.value_or(20));
    if (!drawn) co_return fail(drawn.error());
    images = std::move(*drawn);
  }
  const auto& settings = loaded.values;
  const auto model = choose_model(settings, loaded.state_dir / settings.embed.models_dir);
  if (!model) co_return fail(model.error());
  auto local =
      embed::make_worker_pool(loop.get_executor(), *model, pool_options_of(settings, loaded.state_dir));
  if (!local) co_return fail(local.error());
  auto asked = remote_options_of(settings, model->info.dim, "");
  asked.model = model->info.name;
  // One picture after the other: nothing else waits for this loop.
  const auto remote = embed::make_remote_encoder(loop.get_executor(), loop.get_executor(), std::move(asked));
  comparison_run run(loop, settings, **local, *remote);
  const int code = co_await run.run(std::move(images), std::move(options));
  (*local)->close();
  co_return code;
}

int run_compare(const invocation& to_run, const compare_options& options) {
  if (options.sample && !options.images.empty())
    return fail({errc::invalid_argument, "name pictures or a sample, not both", "", "", ""});
  if (options.sample && (*options.sample < 1 || *options.sample > 10'000))
    return fail({errc::invalid_argument, "--sample must be from 1 to 10000", std::to_string(*options.sample),
                 "", ""});
  if (!(options.threshold >= -1 && options.threshold <= 1))
    return fail({errc::invalid_argument, "--threshold must be from -1 to 1",
                 std::to_string(options.threshold), "", ""});
  auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  auto& embed = loaded->values.embed;
  if (!options.remote.empty()) embed.remote.url = options.remote;
  if (!is_address(embed.remote.url))
    return fail({errc::invalid_argument, "there is no remote encoder to compare with", embed.remote.url, "",
                 "name its address with --remote, or set embed.remote.url"});
  embed.backend = "local";
  asio::io_context loop;
  std::unique_ptr<application> app;
  const auto kept = *loaded;
  if (options.images.empty()) {
    application_options app_options;
    app_options.state = state_access::read;
    auto made = application::create(loop, std::move(*loaded), app_options);
    if (!made) return fail(made.error());
    app = std::move(*made);
  }
  const int code =
      run_loop(loop, compare(loop, app.get(), kept, options), [] { std::_Exit(exit_interrupted); });
  if (app) app->close();
  return code;
}

}  // namespace

void add_compare(CLI::App& app, invocation& to_run) {
  auto* command =
      app.add_subcommand("compare", "Local against remote vectors of the same pictures")->group("Embedding");
  auto options = std::make_shared<compare_options>();
  command->add_option("--remote", options->remote, "The remote encoder (default embed.remote.url)")
      ->type_name("URL");
  command->add_option("IMAGE", options->images, "Files or addresses");
  command->add_option("--sample", options->sample, "So many pictures of the catalogue (default 20)")
      ->type_name("N");
  command
      ->add_option("--threshold", options->threshold, "The least cosine that counts as alike (default 0.95)")
      ->type_name("C");
  command->add_flag("--json", options->json, "JSON instead of lines");
  command->footer(
      "Prints the cosine of each picture, then min, p5 and median. Exit 1: some picture is below the "
      "threshold.\n"
      "A sample is of catwalk's own catalogue; a running daemon is not disturbed.");
  command->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_compare(to_run, *options); }; });
}

}  // namespace catwalk::daemon
