#pragma once
#include <filesystem>

#include "config/settings.hpp"
#include "embed/models.hpp"
#include "embed/text_encoder.hpp"
#include "embed/worker_pool.hpp"

namespace catwalk::daemon {

/// The stored model that the settings ask for: `auto` and the hub names of CLIP ViT-B/32 mean
/// `clip-vit-b-32`; `auto` falls back to the untrained model where only that exists. Errors: `model_missing`,
/// `invalid_config` (a model that this version does not support).
result<embed::stored_model> choose_model(const config::embed_settings& settings,
                                         const std::filesystem::path& models_dir);

/// The worker pool's options as the settings give them.
embed::pool_options pool_options_of(const config::settings& settings);
embed::text_options text_options_of(const config::settings& settings);

}  // namespace catwalk::daemon
