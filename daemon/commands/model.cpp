#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "config/duration.hpp"
#include "core/http_client.hpp"
#include "core/json_text.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/model_choice.hpp"
#include "embed/hub_model.hpp"
#include "embed/known_models.hpp"
#include "embed/model_download.hpp"
#include "embed/models.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct model_options {
  std::string source, name, url, sha256, vocabulary, calibrate, connect_timeout = "15s";
  std::uint64_t seed = 1;
  std::optional<std::int64_t> dim, image_size;
  std::vector<double> mean, std;
  std::string resample = "bicubic", crop = "center";
  bool untrained = false, force = false, json = false;
};

struct model_store {
  std::filesystem::path dir;
  config::settings settings;
};

std::optional<model_store> open_store(const invocation& to_run) {
  auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return std::nullopt;
  return model_store{loaded->state_dir / loaded->values.embed.models_dir, std::move(loaded->values)};
}

nlohmann::json as_json(const embed::stored_model& m) {
  if (!m.problem.empty()) return {{"name", m.info.name}, {"folder", m.dir.string()}, {"problem", m.problem}};
  return {{"name", m.info.name},
          {"architecture", m.info.architecture},
          {"dim", m.info.dim},
          {"image_size", m.info.image_size},
          {"fingerprint", m.info.fingerprint},
          {"text_fingerprint",
           m.text_fingerprint.empty() ? nlohmann::json() : nlohmann::json(m.text_fingerprint)},
          {"no_text", m.no_text.empty() ? nlohmann::json() : nlohmann::json(m.no_text)},
          {"untrained", m.info.untrained},
          {"normalise", m.info.normalise},
          {"proven", m.proven},
          {"source", m.source},
          {"source_sha256", m.source_sha256},
          {"files", m.files},
          {"folder", m.dir.string()}};
}

void print_model(const embed::stored_model& m) {
  if (!m.problem.empty()) {
    std::cout << fmt::format("{:<16} cannot be used: {}\n", m.info.name, m.problem);
    return;
  }
  std::cout << fmt::format("{:<16} {:<16} {:>4} numbers  {:>3} px  {:.12}  {}  {}{}\n", m.info.name,
                           m.info.architecture, m.info.dim, m.info.image_size, m.info.fingerprint,
                           m.text_fingerprint.empty() ? "images" : "images, text", m.source,
                           m.info.untrained ? "  UNTRAINED: for trying out alone" : "");
}

/// What --dim and its like say of a TorchScript module; nullopt where none of them is given.
result<std::optional<embed::script_description>> script_of(const model_options& o) {
  if (!o.dim && !o.image_size && o.mean.empty() && o.std.empty())
    return std::optional<embed::script_description>();
  if (!o.dim || !o.image_size || o.mean.empty() || o.std.empty())
    return error{errc::invalid_argument, "a TorchScript module needs --dim, --image-size, --mean and --std",
                 o.source, "it does not tell them itself", "give all four, as its authors name them"};
  embed::script_description script;
  script.dim = *o.dim;
  script.image_size = *o.image_size;
  std::copy_n(o.mean.begin(), script.mean.size(), script.mean.begin());
  std::copy_n(o.std.begin(), script.std.size(), script.std.begin());
  script.filter = o.resample == "bicubic" ? embed::interpolation::bicubic : embed::interpolation::bilinear;
  script.fitting = o.crop == "center" ? embed::fit::crop : embed::fit::squash;
  return std::optional(script);
}

embed::import_request request_of(const model_options& o) {
  embed::import_request request;
  request.source = o.source;
  if (!o.name.empty()) request.name = o.name;
  request.force = o.force;
  if (!o.vocabulary.empty()) request.vocabulary = o.vocabulary;
  if (!o.calibrate.empty()) request.calibration = o.calibrate;
  return request;
}

void tell_missing_text(const embed::stored_model& m) {
  if (!m.no_text.empty() && !m.info.untrained)
    std::cerr << "catwalk: " << m.info.name << " embeds pictures alone: " << m.no_text << '\n';
}

int import(const invocation& to_run, const model_options& o) {
  if (o.untrained != o.source.empty())
    return fail(
        {errc::invalid_argument, "name a folder or a file to import, or --untrained", "", "", "not both"});
  if (o.untrained && !o.calibrate.empty())
    return fail({errc::invalid_argument, "an untrained model is calibrated with drawn pictures", o.calibrate,
                 "", "leave --calibrate out"});
  if (o.untrained && !o.name.empty())
    return fail({errc::invalid_argument, "an untrained model is always named untrained", o.name, "",
                 "leave --name out"});
  const auto script = script_of(o);
  if (!script) return fail(script.error());
  const auto store = open_store(to_run);
  if (!store) return exit_usage;
  auto request = request_of(o);
  request.script = *script;
  auto imported = o.untrained ? embed::make_untrained_model(store->dir, o.seed)
                              : embed::import_model(store->dir, request);
  if (!imported) return fail(imported.error());
  tell_missing_text(*imported);
  print_model(*imported);
  return exit_done;
}

int list(const invocation& to_run, const model_options& o) {
  const auto store = open_store(to_run);
  if (!store) return exit_usage;
  const auto models = embed::list_models(store->dir);
  if (!models) return fail(models.error());
  if (o.json) {
    auto all = nlohmann::json::array();
    for (const auto& m : *models) all.push_back(as_json(m));
    std::cout << json_text(all, 2) << '\n';
    return exit_done;
  }
  for (const auto& m : *models) print_model(m);
  if (models->empty())
    std::cerr << "catwalk: no model in " << store->dir.string() << "; `catwalk model pull` gets one\n";
  return exit_done;
}

int remove(const invocation& to_run, const model_options& o) {
  const auto store = open_store(to_run);
  if (!store) return exit_usage;
  if (auto removed = embed::remove_model(store->dir, o.name); !removed) return fail(removed.error());
  std::cout << o.name << " removed\n";
  return exit_done;
}

void draw_download(std::uint64_t done, std::uint64_t total) {
  constexpr double megabyte = 1e6;
  if (total == 0)
    std::cerr << fmt::format("\r\x1b[K{:.1f} MB", static_cast<double>(done) / megabyte);
  else
    std::cerr << fmt::format("\r\x1b[K[{:<30}] {:.1f} of {:.1f} MB", std::string(30 * done / total, '#'),
                             static_cast<double>(done) / megabyte, static_cast<double>(total) / megabyte);
}

embed::download_options download_options_of(std::chrono::milliseconds connect) {
  embed::download_options options;
  options.connect_timeout = connect;
  if (is_terminal(STDERR_FILENO)) options.on_progress = draw_download;
  return options;
}

/// Imports what was downloaded; what it was imported from can go then.
int import_download(const std::filesystem::path& models_dir, const embed::import_request& request) {
  auto imported = embed::import_model(models_dir, request);
  if (!imported) return fail(imported.error());
  std::error_code ignored;
  std::filesystem::remove_all(request.source, ignored);
  tell_missing_text(*imported);
  print_model(*imported);
  return exit_done;
}

/// OpenAI's own archive, and the vocabulary that belongs to it.
asio::awaitable<int> pull_archive(http_client& http, model_store store, model_options o,
                                  std::chrono::milliseconds connect) {
  auto wanted = embed::default_published_model();
  if (!o.url.empty()) {
    wanted.url = o.url;
    wanted.sha256 = o.sha256;
  }
  if (!o.name.empty()) wanted.name = o.name;
  std::cerr << "catwalk: downloading " << wanted.url << '\n';
  auto options = download_options_of(connect);
  auto file = co_await embed::download_model(http, wanted, store.dir, std::move(options));
  if (is_terminal(STDERR_FILENO)) std::cerr << "\r\x1b[K";
  if (!file) co_return fail(file.error());
  embed::import_request request;
  request.source = *file;
  request.name = wanted.name;
  request.force = o.force;
  request.origin = wanted.url;
  if (!o.vocabulary.empty()) request.vocabulary = o.vocabulary;
  std::optional<std::filesystem::path> words;
  if (o.url.empty() && o.vocabulary.empty()) {
    auto fetched = co_await embed::download_model(http, embed::default_published_vocabulary(), store.dir,
                                                  embed::download_options());
    if (!fetched) co_return fail(fetched.error());
    request.vocabulary = words = *fetched;
  }
  const int code = import_download(store.dir, request);
  std::error_code ignored;
  if (words && code == exit_done) std::filesystem::remove(*words, ignored);
  co_return code;
}

asio::awaitable<int> pull_model(http_client& http, model_store store, model_options o,
                                std::chrono::milliseconds connect) {
  if (o.source.empty()) o.source = o.url.empty() ? model_to_pull(store.settings) : "";
  if (o.source.empty()) {
    auto archive = pull_archive(http, std::move(store), std::move(o), connect);
    co_return co_await std::move(archive);
  }
  const auto& hub = store.settings.embed.hub;
  std::cerr << "catwalk: downloading " << o.source << " from " << hub.url << '\n';
  embed::hub_access access{hub.url, hub.token.reveal()};
  auto options = download_options_of(connect);
  auto pulling = embed::pull_from_hub(http, std::move(access), o.source, store.dir, std::move(options));
  auto pulled = co_await std::move(pulling);
  if (is_terminal(STDERR_FILENO)) std::cerr << "\r\x1b[K";
  const auto name = embed::stored_name_of(o.source);
  if (!pulled && pulled.error().code == errc::model_invalid &&
      name == embed::default_published_model().name) {
    std::cerr << "catwalk: " << pulled.error().to_string() << "; OpenAI publishes the same model itself\n";
    auto archive = pull_archive(http, std::move(store), std::move(o), connect);
    co_return co_await std::move(archive);
  }
  if (!pulled) co_return fail(pulled.error());
  embed::import_request request;
  request.source = pulled->folder;
  request.name = o.name.empty() ? name : o.name;
  request.force = o.force;
  request.origin = pulled->origin;
  request.source_sha256 = pulled->weights_sha256;
  request.files = pulled->files;
  if (!o.vocabulary.empty()) request.vocabulary = o.vocabulary;
  co_return import_download(store.dir, request);
}

int pull(const invocation& to_run, const model_options& o) {
  if (o.url.empty() != o.sha256.empty())
    return fail(
        {errc::invalid_argument, "--url and --sha256 go together", "", "", "a download is always checked"});
  if (!o.source.empty() && !o.url.empty())
    return fail({errc::invalid_argument, "name a model, or a file with --url", o.source, "", "not both"});
  if (!o.source.empty() && !embed::is_hub_name(o.source))
    return fail({errc::invalid_argument, "this is not a model's name on a hub", o.source, "",
                 "write it as google/siglip-base-patch16-384"});
  const auto connect = config::parse_duration(o.connect_timeout);
  if (!connect)
    return fail({errc::invalid_argument, "--connect-timeout is not a duration", o.connect_timeout, "",
                 "write it as 10s"});
  auto store = open_store(to_run);
  if (!store) return exit_usage;
  asio::io_context loop;
  http_client http(loop.get_executor(), models_client_of(store->settings));
  // What was downloaded stays in a .part file: the next pull goes on from there.
  return run_loop(loop, pull_model(http, std::move(*store), o, *connect),
                  [] { std::_Exit(exit_interrupted); });
}

}  // namespace

void add_model(CLI::App& app, invocation& to_run) {
  auto* command =
      app.add_subcommand("model", "Get, import, list, check and remove models")->group("Embedding");
  command->require_subcommand(1);
  auto o = std::make_shared<model_options>();

  auto* pulled = command->add_subcommand("pull", "Download a model and import it");
  pulled
      ->add_option(
          "MODEL", o->source,
          "Its name on the hub, as google/siglip-base-patch16-384; default: the one that embed.model and "
          "sink.layout ask for, else OpenAI's CLIP ViT-B/32 (340 MB)")
      ->type_name("OWNER/NAME");
  pulled->footer(
      "embed.hub.url (HF_ENDPOINT) names another hub that speaks the same, embed.hub.token (HF_TOKEN) is "
      "sent to it.");
  pulled->add_option("--name", o->name, "The name to store it under")->type_name("N");
  pulled->add_option("--url", o->url, "Another place to download from (a mirror); needs --sha256");
  pulled->add_option("--sha256", o->sha256, "What the file must hash to")->type_name("HEX");
  pulled
      ->add_option("--connect-timeout", o->connect_timeout,
                   "Give up when there is no connection (default 15s)")
      ->type_name("D");
  pulled->add_flag("--force", o->force, "Replace a stored model of that name");
  pulled->callback([&to_run, o] { to_run.action = [&to_run, o] { return pull(to_run, *o); }; });

  const auto add_vocabulary = [&](CLI::App& to) {
    to.add_option(
          "--vocabulary", o->vocabulary,
          "The text tower's vocabulary, where it is not beside the weights: vocab.json, tokenizer.json, "
          "bpe_simple_vocab_16e6.txt.gz, or a folder with one")
        ->type_name("FILE");
  };
  add_vocabulary(*pulled);

  auto* imported = command->add_subcommand(
      "import",
      "A folder of Hugging Face, sentence-transformers or open_clip, OpenAI's ViT-B-32.pt, or a TorchScript "
      "module");
  add_vocabulary(*imported);
  imported->add_option("SRC", o->source, "The folder or file");
  imported->add_option("--name", o->name, "The name to store it under")->type_name("N");
  imported->add_flag("--force", o->force, "Replace a stored model of that name");
  imported
      ->add_option("--calibrate", o->calibrate,
                   "A folder of pictures like those to come, for embed.precision: int8 (default: drawn ones)")
      ->type_name("DIR");
  imported->add_flag("--untrained", o->untrained,
                     "Make a model with seeded weights, for trying out without a download");
  imported->add_option("--seed", o->seed, "Of --untrained (default 1)")->type_name("N");
  const auto script = [&](const char* flag, auto& value, const char* words, const char* type) {
    return imported->add_option(flag, value, words)->type_name(type)->group("TorchScript module");
  };
  script("--dim", o->dim, "Numbers of its vectors", "N");
  script("--image-size", o->image_size, "Pixels on a side of the pictures that it takes", "N");
  script("--mean", o->mean, "Subtracted from a picture's values in [0, 1]", "R,G,B")
      ->delimiter(',')
      ->expected(3);
  script("--std", o->std, "Which they are divided by then", "R,G,B")->delimiter(',')->expected(3);
  script("--resample", o->resample, "bicubic (default) or bilinear", "FILTER")
      ->check(CLI::IsMember({"bicubic", "bilinear"}));
  script("--crop", o->crop, "center (default): the middle square; none: the whole picture, squashed", "HOW")
      ->check(CLI::IsMember({"center", "none"}));
  imported->footer(
      "A TorchScript module takes fp32 [batch, 3, size, size] and gives fp32 [batch, dim]. It is a program: "
      "import those alone whose makers you trust. It runs in fp32 (weights in fp16 and bf16 are widened), "
      "and without a text tower.");
  imported->callback([&to_run, o] { to_run.action = [&to_run, o] { return import(to_run, *o); }; });

  auto* listed = command->add_subcommand("list", "The stored models");
  listed->add_flag("--json", o->json, "JSON instead of a table");
  listed->callback([&to_run, o] { to_run.action = [&to_run, o] { return list(to_run, *o); }; });

  add_model_verify(*command, to_run);
  add_model_bench(*command, to_run);

  auto* removed = command->add_subcommand("remove", "Delete a stored model");
  removed->add_option("NAME", o->name)->required();
  removed->callback([&to_run, o] { to_run.action = [&to_run, o] { return remove(to_run, *o); }; });
}

}  // namespace catwalk::daemon
