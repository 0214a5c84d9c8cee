#pragma once
#include <memory>

#include "core/error.hpp"
#include "embed/model_folder.hpp"
#include "embed/text_tokenizer.hpp"

namespace catwalk::embed {

/// The tokenizer of a stored model. Errors: `model_invalid` where its vocabulary is damaged or another one
/// than its text tower was imported with, `not_found` where it has no text tower.
result<std::unique_ptr<text_tokenizer>> open_tokenizer(const model_folder& folder);

}  // namespace catwalk::embed
