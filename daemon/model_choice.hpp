#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "core/http_client.hpp"
#include "embed/models.hpp"
#include "embed/text_encoder.hpp"
#include "embed/worker_pool.hpp"

namespace catwalk::daemon {

/// What is known of the sink's table where a model is chosen for it.
struct table_facts {
  std::string layout;               ///< catwalk | 2026-02 | 2025-10; empty: not known
  std::optional<int> vector_width;  ///< nullopt: not known
  bool takes_texts = false;         ///< a column takes the vectors of texts
};

/// The stored model that the settings ask for, by its own name or a hub's. `auto` takes what the table says:
/// a vector width of 512 means CLIP ViT-B/32, 768 google/siglip-base-patch16-384, 1024 its larger sister;
/// without a width the layout 2026-02 means 768, any other 512. Where that is not stored but the untrained
/// model is, and has the width, that one. The layout 2026-02 alone takes vectors that are not normalised.
/// `facts` without a layout: `sink.layout`, where that is not `auto`. Errors: `model_missing`,
/// `model_mismatch` (auto, and a width that no known model has).
result<embed::stored_model> choose_model(const config::settings& settings,
                                         const std::filesystem::path& models_dir, table_facts facts = {});

/// The hub name of the model that the settings ask for, for `model pull`; empty: OpenAI's own CLIP ViT-B/32.
std::string model_to_pull(const config::settings& settings);

/// The worker pool's options as the settings give them. What was measured of `auto` is kept in `state_dir`;
/// nothing is measured unless the caller says so.
embed::pool_options pool_options_of(const config::settings& settings, const std::filesystem::path& state_dir);
/// The client that gets models, and pictures that they are held against: through the shops' proxy, from any
/// address.
http_client_options models_client_of(const config::settings& settings);
/// What a log says of int8 vectors before `model verify --published` has found them right; empty: nothing.
std::string unproven_warning(const embed::stored_model& model, const std::string& precision);
embed::text_options text_options_of(const config::settings& settings);

}  // namespace catwalk::daemon
