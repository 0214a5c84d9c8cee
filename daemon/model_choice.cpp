#include "daemon/model_choice.hpp"

#include <algorithm>
#include <thread>

namespace catwalk::daemon {

result<embed::stored_model> choose_model(const config::embed_settings& settings,
                                         const std::filesystem::path& models_dir) {
  std::string name = settings.model;
  const bool automatic = name == "auto";
  const auto& published = embed::default_published_model();
  if (automatic || name == "openai/clip-vit-base-patch32" || name == "sentence-transformers/clip-ViT-B-32" ||
      name == "clip-ViT-B-32")
    name = published.name;
  if (name.find('/') != std::string::npos)
    return error{errc::invalid_config, "this model is not supported yet by this version", name, "",
                 "use openai/clip-vit-base-patch32, or import a CLIP model and name it in embed.model"};
  auto found = embed::find_model(models_dir, name);
  if (found || !automatic || found.error().code != errc::model_missing) return found;
  auto untrained = embed::find_model(models_dir, "untrained");
  if (untrained) return untrained;
  return found;
}

embed::pool_options pool_options_of(const config::settings& settings) {
  embed::pool_options o;
  const auto& e = settings.embed;
  o.device = e.device;
  o.precision = e.precision;
  o.threads = e.threads;
  o.batch = e.batch;
  o.batch_wait = e.batch_wait;
  o.queue_items = static_cast<std::size_t>(e.queue_items);
  o.queue_bytes = e.queue_bytes;
  o.max_pixels = settings.fetch.images_max_pixels;
  o.decode_memory = e.decode_memory;
  o.decode = e.decode;
  return o;
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
