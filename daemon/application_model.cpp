#include <spdlog/spdlog.h>

#include <cstdlib>
#include <sstream>

#include "core/offload.hpp"
#include "daemon/application.hpp"
#include "daemon/model_choice.hpp"
#include "daemon/remote_choice.hpp"
#include "embed/worker_pool.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;

namespace {
constexpr const char* table_note = "sink_table";
}

/// The layout decides how vectors are made; a sink that is away at the next start must not change that.
asio::awaitable<void> application::remember_table() {
  if (!catalogue_ || options_.state != state_access::own) co_return;
  std::optional<std::string> facts = description_->layout;
  if (description_->vector_width) *facts += " " + std::to_string(*description_->vector_width);
  if (description_->takes_texts) *facts += " texts";
  const auto noted = co_await catalogue_->note(table_note);
  if (noted && *noted == facts) co_return;
  if (auto kept = co_await catalogue_->set_note(table_note, std::move(facts)); !kept)
    spdlog::error("{}", kept.error().to_string());
}

asio::awaitable<table_facts> application::known_table() {
  if (description_)
    co_return table_facts{description_->layout, description_->vector_width, description_->takes_texts};
  if (!catalogue_ || settings().sink.kind == "none") co_return table_facts{};
  const auto noted = co_await catalogue_->note(table_note);
  if (!noted || !*noted) co_return table_facts{};
  table_facts facts;
  std::istringstream words(**noted);
  words >> facts.layout;
  for (std::string word; words >> word;)
    if (word == "texts")
      facts.takes_texts = true;
    else
      facts.vector_width = std::atoi(word.c_str());
  co_return facts;
}

result<void> application::check_model(const embed::model_info& model) const {
  if (model.untrained && sink_ && !options_.allow_untrained) {
    return error{
        errc::invalid_argument, "refusing to send vectors of an untrained model to " + sink_->name(),
        model.name, "its vectors find nothing of use",
        "get the real model with `catwalk model pull`, or pass --allow-untrained to try the path out"};
  }
  if (description_ && description_->vector_width && model.dim != 0 &&
      *description_->vector_width != model.dim) {
    return error{errc::model_mismatch, "the model does not fit the sink", model.name,
                 "its vectors have " + std::to_string(model.dim) + " numbers, the column of " +
                     sink_->name() + " takes " + std::to_string(*description_->vector_width),
                 "choose a model of that width with embed.model (auto picks one), or change the column"};
  }
  return {};
}

asio::awaitable<result<embed::stored_model>> application::look_for_model() {
  auto table = co_await known_table();
  auto choose = [this, table = std::move(table)] { return choose_model(settings(), models_dir(), table); };
  auto choosing = offload(cpu_.get_executor(), std::move(choose));
  co_return co_await std::move(choosing);
}

asio::awaitable<bool> application::model_is_there() {
  auto looking = look_for_model();
  const auto found = co_await std::move(looking);
  co_return found || found.error().code != errc::model_missing;
}

asio::awaitable<result<std::unique_ptr<embed::image_encoder>>> application::load_local_model() {
  auto looking = look_for_model();
  auto model = co_await std::move(looking);
  model_problem_.reset();
  if (!model) {
    model_problem_ = model.error();
    co_return model.error();
  }
  const auto& info = model->info;
  if (auto fits = check_model(info); !fits) co_return fits.error();
  if (info.untrained)
    spdlog::warn("the model '{}' is untrained: its vectors are for trying out alone", info.name);
  auto options = pool_options_of(settings(), state_dir());
  options.measure = options_.state == state_access::own;
  const asio::any_io_executor executor = loop_.get_executor();
  auto load = [executor, stored = *model, options] {
    return embed::make_worker_pool(executor, stored, options);
  };
  auto pool = co_await offload(cpu_.get_executor(), std::move(load));
  if (!pool) co_return pool;
  spdlog::info("model {} ({}, {} numbers) is ready", info.name, info.architecture, info.dim);
  if (const auto words = unproven_warning(*model, options.precision); !words.empty())
    spdlog::warn("{}", words);
  if (model->text_fingerprint.empty())
    no_texts_ = embed::no_text_error(*model);
  else if (settings().embed.backend == "local")
    texts_ = std::make_unique<text_embedder>(*model, text_options_of(settings()));
  co_return pool;
}

/// Whether `info_embedding` is to be made; says why not where it was asked for.
bool application::embeds_product_texts(bool column) const {
  const auto& wanted = settings().embed.text;
  if (wanted == "off" || (wanted == "auto" && !column)) return false;
  if (!texts_) {
    const auto level = wanted == "on" ? spdlog::level::warn : spdlog::level::info;
    spdlog::log(level, "info_embedding is not made: {}", no_texts_.to_string());
    return false;
  }
  const int width = encoder_->model().dim;
  if (description_ && description_->text_width && *description_->text_width != width) {
    spdlog::warn("info_embedding is not made: its column takes {} numbers, vectors of the model {} have {}",
                 *description_->text_width, encoder_->model().name, width);
    return false;
  }
  return true;
}

asio::awaitable<result<void>> application::start_texts() {
  auto asking = known_table();
  const auto table = co_await std::move(asking);
  if (!embeds_product_texts(sink_ && table.takes_texts)) co_return result<void>();
  const bool to_sink = sink_ && table.takes_texts;
  const auto& fingerprint = texts_->model().text_fingerprint;
  storage::product_texts texts(database_);
  auto expiring = texts.expire(fingerprint, to_sink);
  if (auto expired = co_await std::move(expiring); !expired) co_return expired.error();
  product_texts_ = std::make_unique<text_stage>(
      loop_.get_executor(), text_stage::parts{std::move(texts), *texts_, fingerprint, to_sink, [this] {
                                                if (writer_) writer_->notify();
                                              }});
  product_texts_->start();
  co_return result<void>();
}

asio::awaitable<result<void>> application::load_model() {
  const auto& wanted = settings().embed;
  std::unique_ptr<embed::image_encoder> local, remote;
  if (needs_local(wanted)) {
    auto loaded = co_await load_local_model();
    if (!loaded) co_return loaded.error();
    local = std::move(*loaded);
  }
  if (needs_remote(wanted)) {
    const auto width = description_ ? description_->vector_width : std::nullopt;
    remote = embed::make_remote_encoder(loop_.get_executor(), cpu_.get_executor(),
                                        remote_options_of(settings(), width, layout()));
    spdlog::info("vectors are asked for at {}", remote->model().fingerprint);
  }
  // The vectors of texts lie in the space of the pictures' model, hence none where pictures go elsewhere.
  if (wanted.backend == "remote")
    no_texts_ = {errc::not_found, "cannot embed text", wanted.remote.url,
                 "the remote encoder takes pictures alone", "set embed.backend: local"};
  auto& first = wanted.backend == "remote" ? remote : local;
  auto& second = wanted.backend == "remote" ? local : remote;
  if (!second) {
    encoder_ = std::move(first);
  } else {
    const auto on_spared = [](const error& why) {
      spdlog::error("{}; embed.fallback is asked for a minute", why.to_string());
    };
    encoder_ = embed::make_fallback_encoder(std::move(first), std::move(second), on_spared);
  }
  co_return result<void>();
}

}  // namespace catwalk::daemon
