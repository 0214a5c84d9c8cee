#include "daemon/remote_choice.hpp"

#include <array>
#include <string_view>

namespace catwalk::daemon {

namespace {

struct known_model {
  std::string_view name;
  int dim;
};

/// Those that the predecessor's users name; the first of a width is meant where nobody names one.
constexpr std::array<known_model, 7> known_models{{{"clip-vit-b-32", 512},
                                                   {"clip-ViT-B-32", 512},
                                                   {"openai/clip-vit-base-patch32", 512},
                                                   {"sentence-transformers/clip-ViT-B-32", 512},
                                                   {"google/siglip-base-patch16-384", 768},
                                                   {"Marqo/marqo-fashionSigLIP", 768},
                                                   {"google/siglip-large-patch16-384", 1024}}};

}  // namespace

embed::remote_options remote_options_of(const config::settings& settings, std::optional<int> sink_width,
                                        const std::string& layout) {
  const auto& remote = settings.embed.remote;
  embed::remote_options o;
  o.url = remote.url;
  o.token = remote.token.reveal();
  o.timeout = remote.timeout;
  o.concurrency = remote.concurrency;
  o.http_proxy = settings.fetch.http_proxy;
  o.https_proxy = settings.fetch.https_proxy;
  o.no_proxy = settings.fetch.no_proxy;
  o.normalise = layout != "2026-02";
  o.dim = sink_width.value_or(0);
  if (settings.embed.model != "auto") o.model = settings.embed.model;
  for (const auto& known : known_models) {
    if (settings.embed.model == "auto" && sink_width == known.dim) {
      o.model = known.name;
      break;
    }
    if (o.model == known.name && o.dim == 0) o.dim = known.dim;
  }
  return o;
}

bool needs_local(const config::embed_settings& settings) {
  return settings.backend == "local" || settings.fallback == "local";
}

bool needs_remote(const config::embed_settings& settings) {
  return settings.backend == "remote" || settings.fallback == "remote";
}

}  // namespace catwalk::daemon
