#pragma once
#include <filesystem>

#include "core/error.hpp"

namespace catwalk::embed {

/// Looks at a TorchScript archive before torch opens it, for torch takes whatever memory the file claims.
/// Torch stores tensors as they are and all else deflated or small: so what is no stored tensor has to unpack
/// to 64 MB at most, and the stored tensors have to fit into the file. Its pickles are gone through as
/// embed/pickle_walk.hpp says. The text of its program is not looked at.
///
/// Errors: `model_missing`, `io`, and `model_invalid` naming the entry.
result<void> check_script_archive(const std::filesystem::path& file);

}  // namespace catwalk::embed
