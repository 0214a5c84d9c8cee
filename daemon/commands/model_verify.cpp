#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/json_text.hpp"
#include "core/sha256.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/model_choice.hpp"
#include "daemon/similarity.hpp"
#include "embed/models.hpp"
#include "embed/published_record.hpp"
#include "embed/text_encoder.hpp"
#include "embed/worker_pool.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

/// What other precisions than fp32 have to keep to it.
constexpr double least_cosine = 0.999;

struct options {
  std::string name, record;
  std::vector<std::string> precisions{"fp32", "bf16", "int8"};
  bool published = false, json = false;
};

int verify_stored(const std::filesystem::path& models_dir, const options& o) {
  auto models = embed::list_models(models_dir);
  if (!models) return fail(models.error());
  if (!o.name.empty()) {
    auto one = embed::find_model(models_dir, o.name);
    if (!one) return fail(one.error());
    models->clear();
    models->push_back(std::move(*one));
  }
  if (models->empty())
    std::cerr << "catwalk: no model in " << models_dir.string() << "; `catwalk model pull` gets one\n";
  int code = exit_done;
  for (const auto& m : *models) {
    if (auto verified = embed::verify_model(m); !verified)
      code = fail(verified.error());
    else
      std::cout << m.info.name << ": ok, " << m.info.fingerprint << '\n';
  }
  return code;
}

/// What one precision made of all checks.
struct precision_outcome {
  std::string precision;
  std::vector<embed::check_outcome> checks;
  double with_fp32 = 1;  ///< least cosine of a picture's vector with that in fp32
  bool passed() const {
    return with_fp32 >= least_cosine &&
           std::all_of(checks.begin(), checks.end(), [](const auto& c) { return c.within; });
  }
};

using vectors = std::vector<std::vector<float>>;

class published_comparison {
 public:
  published_comparison(const config::settings& settings, embed::stored_model model,
                       embed::published_record record)
      : settings_(settings), model_(std::move(model)), record_(std::move(record)) {}

  /// Errors: a picture that cannot be had (then nothing is claimed).
  result<void> fetch() {
    asio::io_context loop;
    http_client http(loop.get_executor(), models_client_of(settings_));
    result<void> outcome;
    const int code = run_loop(loop, fetch_all(http, outcome), [] { std::_Exit(exit_interrupted); });
    if (code != exit_done && outcome) return error{errc::internal, "cannot fetch pictures", "", "", ""};
    return outcome;
  }

  /// Errors: `invalid_config` where this machine does not do this precision, and those of encoding.
  result<precision_outcome> run(const std::string& precision) {
    auto seen = pictures_in(precision);
    if (!seen) return seen.error();
    if (precision == "fp32") exact_ = *seen;
    auto text = text_options_of(settings_);
    text.precision = precision;
    const auto encoder = embed::text_encoder::open(model_, text);
    if (!encoder) return encoder.error();
    precision_outcome outcome{precision, {}};
    for (std::size_t i = 0; i < record_.checks.size(); ++i) {
      const auto& check = record_.checks[i];
      const auto words = (*encoder)->encode(check.texts);
      if (!words) return words.error();
      std::vector<double> cosines;
      cosines.reserve(words->size());
      for (const auto& word : *words) cosines.push_back(cosine((*seen)[i], word.values));
      outcome.checks.push_back(compare(check, record_.scale, cosines, precision != "fp32"));
      outcome.with_fp32 = std::min(outcome.with_fp32, cosine((*seen)[i], exact_[i]));
    }
    return outcome;
  }

  const embed::published_record& record() const noexcept { return record_; }

 private:
  asio::awaitable<int> fetch_all(http_client& http, result<void>& outcome) {
    for (const auto& check : record_.checks) {
      auto fetching = picture(http, check);
      auto bytes = co_await std::move(fetching);
      if (!bytes) {
        outcome = bytes.error();
        co_return exit_failed;
      }
      pictures_.push_back(std::move(*bytes));
    }
    co_return exit_done;
  }

  static asio::awaitable<result<std::string>> picture(http_client& http,
                                                      const embed::published_check& check) {
    if (!check.picture.starts_with("http://") && !check.picture.starts_with("https://"))
      co_return read_file(check.picture);
    http_request request;
    request.url = check.picture;
    auto fetching = http.fetch(std::move(request));
    auto answer = co_await std::move(fetching);
    const std::string what = "cannot fetch the picture whose numbers were published";
    const std::string hint =
        "nothing is claimed of the model; name a copy of the picture in a file of --record";
    if (!answer) co_return error{answer.error().code, what, check.picture, answer.error().to_string(), hint};
    if (answer->status != 200)
      co_return error{errc::http_status, what, check.picture,
                      "the server answered " + std::to_string(answer->status), hint};
    sha256 hash;
    hash.update(answer->body);
    if (const auto found = to_hex(hash.finish());
        !check.picture_sha256.empty() && found != check.picture_sha256)
      co_return error{errc::malformed, what, check.picture, "it hashes to " + found, hint};
    co_return std::move(answer->body);
  }

  result<vectors> pictures_in(const std::string& precision) {
    asio::io_context loop;
    embed::pool_options options;
    options.device = settings_.embed.device;
    options.precision = precision;
    auto pool = embed::make_worker_pool(loop.get_executor(), model_, options);
    if (!pool) return pool.error();
    vectors seen;
    result<void> outcome;
    (void)run_loop(loop, embed_all(**pool, seen, outcome), [] { std::_Exit(exit_interrupted); });
    (*pool)->close();
    if (!outcome) return outcome.error();
    return seen;
  }

  asio::awaitable<int> embed_all(embed::image_encoder& encoder, vectors& seen, result<void>& outcome) {
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
      auto encoding = encoder.encode(pictures_[i], record_.checks[i].picture, embed::lane::interactive);
      auto vector = co_await std::move(encoding);
      if (!vector) {
        outcome = vector.error();
        co_return exit_failed;
      }
      seen.push_back(std::move(vector->values));
    }
    co_return exit_done;
  }

  const config::settings& settings_;
  const embed::stored_model model_;
  const embed::published_record record_;
  std::vector<std::string> pictures_;
  vectors exact_;
};

void print_outcome(const embed::published_record& record, const precision_outcome& outcome) {
  for (std::size_t i = 0; i < record.checks.size(); ++i) {
    const auto& check = record.checks[i];
    const auto& published = check.logits.empty() ? check.probabilities : check.logits;
    for (std::size_t k = 0; k < check.texts.size(); ++k)
      std::cout << fmt::format("{:<5} {:>10.5f} (published {:.5f})  {}: {}\n", outcome.precision,
                               outcome.checks[i].found[k], published[k], check.picture, check.texts[k]);
  }
  std::cout << fmt::format("{:<5} {}; least cosine with fp32 {:.6f}\n", outcome.precision,
                           outcome.passed() ? "gives the published numbers" : "DIFFERS", outcome.with_fp32);
}

nlohmann::json as_json(const embed::published_record& record, const precision_outcome& outcome) {
  auto checks = nlohmann::json::array();
  for (std::size_t i = 0; i < record.checks.size(); ++i) {
    const auto& check = record.checks[i];
    checks.push_back({{"picture", check.picture},
                      {"texts", check.texts},
                      {"published", check.logits.empty() ? check.probabilities : check.logits},
                      {"found", outcome.checks[i].found},
                      {"within", outcome.checks[i].within}});
  }
  return {{"precision", outcome.precision},
          {"passed", outcome.passed()},
          {"least_cosine_with_fp32", outcome.with_fp32},
          {"checks", checks}};
}

/// Of the file that the model was imported from.
std::string source_in_words(const embed::stored_model& model) {
  const auto& published = embed::default_published_model();
  if (model.source_sha256 == published.sha256)
    return "the file it was imported from hashes to what OpenAI published, " + published.sha256;
  if (!model.files.empty()) return "its files hash to what the hub published when they were fetched";
  return "no published hash is known for the file it was imported from";
}

result<embed::published_record> record_for(const embed::stored_model& model, const options& o) {
  if (!o.record.empty()) return embed::read_record(o.record);
  if (const auto* known = embed::known_record(model.info.name)) return *known;
  return error{errc::not_found, "no published numbers are known", model.info.name, "",
               "write those that you know into a file and name it with --record"};
}

int verify_published(const config::loaded& loaded, const options& o) {
  auto settings = loaded.values;
  settings.sink.layout = "auto";  // compared are vectors of length 1
  if (!o.name.empty()) settings.embed.model = o.name;
  const auto model = choose_model(settings, loaded.state_dir / settings.embed.models_dir);
  if (!model) return fail(model.error());
  if (model->info.untrained)
    return fail({errc::invalid_argument, "an untrained model has no published numbers", model->info.name, "",
                 "catwalk model pull gets a trained one"});
  if (model->text_fingerprint.empty()) return fail(embed::no_text_error(*model));
  auto record = record_for(*model, o);
  if (!record) return fail(record.error());
  if (auto whole = embed::verify_model(*model); !whole) return fail(whole.error());
  published_comparison comparison(settings, *model, std::move(*record));
  if (auto fetched = comparison.fetch(); !fetched) return fail(fetched.error());

  std::vector<std::string> proven, not_taken;
  auto answers = nlohmann::json::array();
  int code = exit_done;
  if (!o.json) std::cout << model->info.name << ": " << source_in_words(*model) << '\n';
  for (const auto& precision : o.precisions) {
    const auto outcome = comparison.run(precision);
    if (!outcome && outcome.error().code == errc::invalid_config) {
      not_taken.push_back(precision + ": " + outcome.error().why);
      continue;
    }
    if (!outcome) return fail(outcome.error());
    if (outcome->passed())
      proven.push_back(precision);
    else
      code = exit_failed;
    if (o.json)
      answers.push_back(as_json(comparison.record(), *outcome));
    else
      print_outcome(comparison.record(), *outcome);
  }
  if (auto kept = embed::keep_proven(*model, comparison.record().where, proven); !kept)
    return fail(kept.error());
  if (o.json) {
    std::cout << json_text({{"model", model->info.name},
                            {"numbers_from", comparison.record().where},
                            {"source", source_in_words(*model)},
                            {"precisions", answers},
                            {"not_taken", not_taken},
                            {"proven", proven}},
                           2)
              << '\n';
    return code;
  }
  for (const auto& why : not_taken) std::cout << "not taken: " << why << '\n';
  std::cout << "numbers: " << comparison.record().where << '\n';
  return code;
}

int verify(const invocation& to_run, const options& o) {
  const bool meant = o.published || o.record.empty();
  if (!meant)
    return fail({errc::invalid_argument, "--record goes with --published", o.record, "", "give both"});
  const auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  return o.published ? verify_published(*loaded, o)
                     : verify_stored(loaded->state_dir / loaded->values.embed.models_dir, o);
}

}  // namespace

void add_model_verify(CLI::App& model, invocation& to_run) {
  auto* command = model.add_subcommand("verify", "Read every weight again and compare fingerprints");
  auto o = std::make_shared<options>();
  command->add_option("NAME", o->name,
                      "A stored model (default: all; with --published the one that embed.model names)");
  command->add_flag(
      "--published", o->published,
      "Compare what pictures and texts have in common with what was published of them: fp32, and "
      "what this machine does of bf16 and int8");
  command
      ->add_option("--record", o->record,
                   "Published numbers of your own, as JSON: {\"where\": …, \"scale\": 100, \"checks\": "
                   "[{\"picture\": address or file, \"texts\": […], \"logits\" or \"probabilities\": […], "
                   "\"tolerance\": …, \"rounded_tolerance\": …}]}")
      ->type_name("FILE");
  command->add_flag("--json", o->json, "JSON instead of lines (with --published)");
  command->footer(
      "--published fetches the pictures: without a network it exits 1 and claims nothing. Precisions that "
      "give "
      "the published numbers are noted in the model's folder; int8 counts as unproven until then.");
  command->callback([&to_run, o] { to_run.action = [&to_run, o] { return verify(to_run, *o); }; });
}

}  // namespace catwalk::daemon
