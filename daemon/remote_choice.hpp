#pragma once
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "embed/remote_encoder.hpp"

namespace catwalk::daemon {

/// The remote encoder that the settings ask for. `sink_width`: of the sink's vector column, where known. The
/// model is embed.model; `auto` is the model that goes with the width, CLIP ViT-B/32 where there is none.
/// `layout`: that of the sink; in the one of February 2026 vectors stay as long as they come.
embed::remote_options remote_options_of(const config::settings& settings, std::optional<int> sink_width,
                                        const std::string& layout);

/// Whether the settings need a model on this machine, and whether they need the remote one.
bool needs_local(const config::embed_settings& settings);
bool needs_remote(const config::embed_settings& settings);

}  // namespace catwalk::daemon
