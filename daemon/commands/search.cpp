#include <spdlog/fmt/fmt.h>

#include <boost/asio/io_context.hpp>
#include <iostream>

#include "core/file.hpp"
#include "core/json_text.hpp"
#include "core/offload.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/model_choice.hpp"
#include "daemon/search_result.hpp"
#include "embed/text_encoder.hpp"
#include "embed/worker_pool.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct search_options {
  std::string text, image, id, site;
  int k = 10;
  bool json = false;
};

/// The vector of words. It is looked for among those of pictures, hence under their fingerprint.
asio::awaitable<result<embedding>> text_vector(application& app, std::string text) {
  auto table = co_await app.known_table();
  auto model = choose_model(app.settings(), app.models_dir(), std::move(table));
  if (!model) co_return model.error();
  const auto options = text_options_of(app.settings());
  auto read = [model = *model, options, text]() -> result<embedding> {
    const auto encoder = embed::text_encoder::open(model, options);
    if (!encoder) return encoder.error();
    auto vector = (*encoder)->encode(text);
    if (vector) vector->fingerprint = model.info.fingerprint;
    return vector;
  };
  co_return co_await offload(app.cpu(), std::move(read));
}

asio::awaitable<result<embedding>> query_vector(application& app, const search_options& options) {
  if (!options.id.empty()) {
    product_id id(options.id);
    auto entry = co_await app.catalogue().find(std::move(id));
    if (!entry) co_return entry.error();
    if (!*entry)
      co_return error{errc::not_found, "no such product", options.id, "",
                      "`catwalk search --image` finds ids"};
    if (!(*entry)->vector)
      co_return error{errc::not_found, "the product has no vector yet", options.id, "", ""};
    co_return *(*entry)->vector;
  }
  if (!options.text.empty()) {
    auto vector = text_vector(app, options.text);
    co_return co_await std::move(vector);
  }
  auto bytes = read_file(options.image);
  if (!bytes) co_return bytes.error();
  auto table = co_await app.known_table();
  auto model = choose_model(app.settings(), app.models_dir(), std::move(table));
  if (!model) co_return model.error();
  auto encoder = embed::make_worker_pool(app.loop().get_executor(), *model,
                                         pool_options_of(app.settings(), app.state_dir()));
  if (!encoder) co_return encoder.error();
  auto vector = co_await (*encoder)->encode(std::move(*bytes), options.image, embed::lane::interactive);
  (*encoder)->close();
  co_return vector;
}

asio::awaitable<int> search(application& app, search_options options) {
  auto query = co_await query_vector(app, options);
  if (!query) co_return fail(query.error());
  std::optional<site_name> site;
  if (!options.site.empty()) site.emplace(options.site);
  auto found =
      co_await app.catalogue().nearest(query->values, options.k, query->fingerprint, std::move(site));
  if (!found) co_return fail(found.error());
  std::cout << (options.json ? json_text(neighbours_as_json(*found, *query), 2) + "\n"
                             : neighbours_as_text(*found));
  if (found->empty())
    std::cerr << "catwalk: no product has a vector of this model yet: run `catwalk scrape` first\n";
  co_return found->empty() ? exit_failed : exit_done;
}

int run_search(const invocation& to_run, const search_options& options) {
  if ((options.image.empty() ? 0 : 1) + (options.id.empty() ? 0 : 1) + (options.text.empty() ? 0 : 1) != 1)
    return fail({errc::invalid_argument, "name one of --text, --image and --id", "", "", ""});
  if (options.k < 1 || options.k > 1000)
    return fail({errc::invalid_argument, "-k must be from 1 to 1000", std::to_string(options.k), "", ""});
  auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  asio::io_context loop;
  application_options app_options;
  app_options.state = state_access::read;
  auto app = application::create(loop, std::move(*loaded), app_options);
  if (!app) return fail(app.error());
  const int code = run_loop(loop, search(**app, options), [] { std::_Exit(exit_interrupted); });
  (*app)->close();
  return code;
}

}  // namespace

void add_search(CLI::App& app, invocation& to_run) {
  auto* command = app.add_subcommand("search", "Nearest products of the local catalogue")->group("Catalogue");
  auto options = std::make_shared<search_options>();
  command->add_option("--image", options->image, "A picture's file")->type_name("FILE");
  command->add_option("--id", options->id, "A product's id: more like this")->type_name("ID");
  command->add_option("--text", options->text, "Words: products that look like it")->type_name("STR");
  command->add_option("-k", options->k, "How many (default 10)")->type_name("N");
  command->add_option("--site", options->site, "Only this site's")->type_name("S");
  command->add_flag("--json", options->json, "JSON instead of a table");
  command->footer(
      "Searches catwalk's own catalogue, also while the daemon runs: as its own user, root or a member of "
      "the group "
      "catwalk.");
  command->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_search(to_run, *options); }; });
}

}  // namespace catwalk::daemon
