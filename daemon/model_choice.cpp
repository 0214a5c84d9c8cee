#include "daemon/model_choice.hpp"

#include <algorithm>
#include <thread>

#include "embed/known_models.hpp"

namespace catwalk::daemon {

namespace {

constexpr int clip_width = 512;
constexpr int width_of_2026 = 768;

/// What `auto` means for a table.
result<embed::known_model> model_for(const table_facts& table) {
  const int width = table.vector_width.value_or(table.layout == "2026-02" ? width_of_2026 : clip_width);
  const auto known = embed::known_models();
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.dim == width; });
  if (found != known.end()) return *found;
  return error{
      errc::model_mismatch, "cannot choose a model for the sink", "embed.model: auto",
      "its column takes " + std::to_string(width) + " numbers, and catwalk knows no model of that width",
      "import the model that made its vectors, and name it in embed.model"};
}

result<embed::stored_model> find_named(const config::settings& settings,
                                       const std::filesystem::path& models_dir, const table_facts& table) {
  const auto& wanted = settings.embed.model;
  if (wanted != "auto") {
    auto found = embed::find_model(models_dir, embed::stored_name_of(wanted));
    if (!found && found.error().code == errc::model_missing && embed::is_hub_name(wanted)) {
      auto missing = found.error();
      missing.on = wanted;
      missing.hint = "`catwalk model pull " + wanted + "` downloads it";
      return missing;
    }
    return found;
  }
  const auto known = model_for(table);
  auto untrained = embed::find_model(models_dir, "untrained");
  const bool fits = untrained && untrained->info.dim == table.vector_width.value_or(untrained->info.dim);
  if (!known) return fits ? std::move(untrained) : result<embed::stored_model>(known.error());
  auto found = embed::find_model(models_dir, std::string(known->name));
  const bool missing = !found && found.error().code == errc::model_missing;
  return missing && fits ? std::move(untrained) : std::move(found);
}

}  // namespace

result<embed::stored_model> choose_model(const config::settings& settings,
                                         const std::filesystem::path& models_dir, table_facts facts) {
  if (facts.layout.empty() && settings.sink.layout != "auto") facts.layout = settings.sink.layout;
  auto found = find_named(settings, models_dir, facts);
  if (!found || facts.layout != "2026-02") return found;
  return embed::without_normalising(std::move(*found));
}

std::string model_to_pull(const config::settings& settings) {
  if (embed::is_hub_name(settings.embed.model)) return settings.embed.model;
  const bool of_2026 = settings.embed.model == "auto" && settings.sink.layout == "2026-02";
  return of_2026 ? std::string(model_for({"2026-02", std::nullopt})->hub) : std::string();
}

embed::pool_options pool_options_of(const config::settings& settings,
                                    const std::filesystem::path& state_dir) {
  embed::pool_options o;
  const auto& e = settings.embed;
  o.device = e.device;
  o.precision = e.precision;
  o.threads = e.threads;
  o.batch = e.batch;
  o.measurements = state_dir / "measured.json";
  o.batch_wait = e.batch_wait;
  o.queue_items = static_cast<std::size_t>(e.queue_items);
  o.queue_bytes = e.queue_bytes;
  o.max_pixels = settings.fetch.images_max_pixels;
  o.decode_memory = e.decode_memory;
  o.decode = e.decode;
  return o;
}

http_client_options models_client_of(const config::settings& settings) {
  http_client_options client;
  client.name = "models";
  client.user_agent = "catwalk/" CATWALK_VERSION;
  client.guard_addresses = false;
  client.http_proxy = settings.fetch.http_proxy;
  client.https_proxy = settings.fetch.https_proxy;
  client.no_proxy = settings.fetch.no_proxy;
  return client;
}

std::string unproven_warning(const embed::stored_model& model, const std::string& precision) {
  const bool proven = std::find(model.proven.begin(), model.proven.end(), precision) != model.proven.end();
  if (precision != "int8" || model.info.untrained || proven) return {};
  return "int8 is unproven for the model " + model.info.name +
         ": `catwalk model verify --published` holds it against published numbers";
}

embed::text_options text_options_of(const config::settings& settings) {
  embed::text_options o;
  o.device = settings.embed.device;
  o.precision = settings.embed.precision;
  o.threads =
      settings.embed.threads.value_or(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  return o;
}

}  // namespace catwalk::daemon
