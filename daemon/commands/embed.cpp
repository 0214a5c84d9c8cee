#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iostream>

#include "core/file.hpp"
#include "core/task_group.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/model_choice.hpp"
#include "daemon/vector_output.hpp"
#include "embed/worker_pool.hpp"
#include "scrape/image_source.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {

struct embed_options {
  std::vector<std::string> inputs;
  std::vector<std::string> texts;
  std::string model, precision;
  std::string format = "jsonl";
  std::string output;
};

bool is_address(const std::string& input) {
  return input.starts_with("http://") || input.starts_with("https://");
}

/// Folders become the files in them, in the order of their names.
result<std::vector<std::string>> expand(const std::vector<std::string>& inputs) {
  std::vector<std::string> all;
  for (const auto& input : inputs) {
    std::error_code ec;
    if (is_address(input) || !std::filesystem::is_directory(input, ec)) {
      all.push_back(input);
      continue;
    }
    std::vector<std::string> files;
    std::filesystem::recursive_directory_iterator entries(input, ec);
    for (; !ec && entries != std::filesystem::recursive_directory_iterator(); entries.increment(ec)) {
      std::error_code unreadable;
      if (entries->is_regular_file(unreadable)) files.push_back(entries->path().string());
    }
    if (ec) return error{errc::io, "cannot read folder", input, ec.message(), ""};
    std::sort(files.begin(), files.end());
    std::move(files.begin(), files.end(), std::back_inserter(all));
  }
  return all;
}

class embedding_job {
 public:
  embedding_job(asio::io_context& loop, const config::settings& settings, embed::image_encoder& encoder,
                vector_output& output, std::vector<std::string> inputs)
      : loop_(loop),
        settings_(settings),
        encoder_(encoder),
        output_(output),
        inputs_(std::move(inputs)),
        http_(loop.get_executor(), {.name = "images",
                                    .user_agent = settings.fetch.user_agent,
                                    .guard_addresses = !settings.fetch.allow_private_addresses,
                                    .permitted_endpoints = {},
                                    .http_proxy = settings.fetch.http_proxy,
                                    .https_proxy = settings.fetch.https_proxy,
                                    .no_proxy = settings.fetch.no_proxy}),
        done_(loop),
        tasks_(loop.get_executor()) {}

  /// Embeds everything, at most `window` inputs at a time, and writes in the order of the inputs.
  asio::awaitable<int> run() {
    const std::size_t window = static_cast<std::size_t>(settings_.embed.queue_items) + 32;
    answers_.resize(inputs_.size());
    std::size_t started = 0;
    std::size_t written = 0;
    while (written < inputs_.size() && !stopping_) {
      while (started < inputs_.size() && started - written < window)
        tasks_.spawn("embed", embed_one(started)), ++started;
      if (!answers_[written]) {
        done_.expires_at(asio::steady_timer::time_point::max());
        co_await done_.async_wait(asio::as_tuple(asio::use_awaitable));
        continue;
      }
      auto answer = std::move(*answers_[written]);
      failed_ += answer ? 0 : 1;
      if (auto put = output_.write(inputs_[written], answer); !put) {
        tasks_.cancel();
        co_await tasks_.join();
        co_return fail(put.error());
      }
      ++written;
    }
    if (stopping_) tasks_.cancel();
    co_await tasks_.join();
    if (stopping_) co_return exit_interrupted;
    co_return failed_ == 0 ? exit_done : failed_ == inputs_.size() ? exit_failed : exit_partly;
  }

  void stop() {
    stopping_ = true;
    done_.cancel();
  }

 private:
  asio::awaitable<void> embed_one(std::size_t index) {
    const auto& input = inputs_[index];
    auto bytes = co_await read(input);
    if (bytes) {
      auto answer = co_await encoder_.encode(std::move(*bytes), input, embed::lane::bulk);
      answers_[index] = std::move(answer);
    } else {
      answers_[index] = bytes.error();
    }
    done_.cancel();
  }

  asio::awaitable<result<std::string>> read(const std::string& input) {
    if (is_address(input)) co_return co_await fetch(input);
    co_return read_file(input);
  }

  asio::awaitable<result<std::string>> fetch(const std::string& address) {
    auto request = scrape::image_request(address, nullptr, settings_.fetch);
    auto response = co_await http_.fetch(std::move(request.http));
    if (!response) co_return response.error();
    if (response->status != 200) {
      error e{errc::http_status, "cannot fetch image", address,
              "the server answered " + std::to_string(response->status), ""};
      e.http_status = response->status;
      co_return e;
    }
    co_return std::move(response->body);
  }

  asio::io_context& loop_;
  const config::settings& settings_;
  embed::image_encoder& encoder_;
  vector_output& output_;
  std::vector<std::string> inputs_;
  std::vector<std::optional<result<embedding>>> answers_;
  std::size_t failed_ = 0;
  bool stopping_ = false;
  http_client http_;
  asio::steady_timer done_;
  task_group tasks_;
};

int embed_pictures(const config::settings& settings, const embed::pool_options& options,
                   const embed::stored_model& model, std::vector<std::string> inputs, vector_output& output) {
  asio::io_context loop;
  auto encoder = embed::make_worker_pool(loop.get_executor(), model, options);
  if (!encoder) return fail(encoder.error());
  int code = exit_failed;
  {
    embedding_job job(loop, settings, **encoder, output, std::move(inputs));
    code = run_loop(loop, job.run(), [&] { job.stop(); });
  }
  (*encoder)->close();
  return code;
}

int embed_texts(const config::settings& settings, const embed::stored_model& model,
                const std::vector<std::string>& texts, vector_output& output) {
  const auto encoder = embed::text_encoder::open(model, text_options_of(settings));
  if (!encoder) return fail(encoder.error());
  int code = exit_done;
  for (const auto& text : texts) {
    const auto vector = (*encoder)->encode(text);
    if (!vector) code = exit_failed;
    if (auto put = output.write(text, vector); !put) return fail(put.error());
  }
  return code;
}

int run_embed(const invocation& to_run, const embed_options& options) {
  if (options.inputs.empty() && options.texts.empty())
    return fail({errc::invalid_argument, "there is nothing to embed", "", "",
                 "name a file, an address or a folder, or a text with --text"});
  auto loaded = load_configuration(to_run.flags);
  if (!loaded) return exit_usage;
  auto& settings = loaded->values;
  if (!options.model.empty()) settings.embed.model = options.model;
  if (!options.precision.empty()) settings.embed.precision = options.precision;
  auto inputs = expand(options.inputs);
  if (!inputs) return fail(inputs.error());
  if (inputs->empty() && options.texts.empty())
    return fail({errc::not_found, "there is nothing to embed", options.inputs.front(),
                 "the folder holds no file", ""});
  const auto model = choose_model(settings, loaded->state_dir / settings.embed.models_dir);
  if (!model) return fail(model.error());
  if (!options.texts.empty() && model->text_fingerprint.empty()) return fail(embed::no_text_error(*model));
  auto output = make_vector_output(options.format, options.output);
  if (!output) return fail(output.error());
  int code = exit_done;
  const auto pool = pool_options_of(settings, loaded->state_dir);
  if (const auto words = unproven_warning(*model, pool.precision); !words.empty())
    std::cerr << "catwalk: " << words << '\n';
  if (!inputs->empty()) code = embed_pictures(settings, pool, *model, std::move(*inputs), **output);
  if (code == exit_interrupted) return code;
  if (!options.texts.empty()) {
    const int texts = embed_texts(settings, *model, options.texts, **output);
    code = code == texts || options.inputs.empty() ? texts : exit_partly;
  }
  if (auto finished = (*output)->finish(); !finished) return fail(finished.error());
  return code;
}

}  // namespace

void add_embed(CLI::App& app, invocation& to_run) {
  auto* command =
      app.add_subcommand("embed", "Vectors of pictures and texts, without a daemon")->group("Embedding");
  auto options = std::make_shared<embed_options>();
  command->add_option("INPUT", options->inputs, "Files, addresses or folders");
  command->add_option("--text", options->texts, "A text, after the pictures; can be given several times")
      ->type_name("STR")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--model", options->model, "A model of `catwalk model list`")->type_name("M");
  command
      ->add_option("--precision", options->precision,
                   "auto, fp32, bf16 or int8 (fp16 on CUDA); int8 is unproven until model verify "
                   "--published has run on real weights")
      ->type_name("P");
  command->add_option("--format", options->format, "jsonl or npy")->check(CLI::IsMember({"jsonl", "npy"}));
  command->add_option("--output", options->output, "A file instead of stdout")->type_name("F");
  command->footer("Works by itself; a running daemon is not disturbed.");
  command->callback(
      [&to_run, options] { to_run.action = [&to_run, options] { return run_embed(to_run, *options); }; });
}

}  // namespace catwalk::daemon
