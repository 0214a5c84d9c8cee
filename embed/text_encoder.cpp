#include "embed/text_encoder.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/thrown.hpp"
#include "embed/clip_tokenizer.hpp"
#include "embed/model_folder.hpp"
#include "embed/pass_size.hpp"
#include "embed/stored_tokenizer.hpp"
#include "embed/text_module.hpp"

namespace catwalk::embed {
namespace {

/// So many texts go through the tower at once; more are taken in turns.
constexpr std::int64_t most_at_once = 64;
/// What every published CLIP was trained with.
constexpr std::size_t clip_context = 77;

struct token_batch {
  at::Tensor ids;  ///< int64 [batch, tokens]
  at::Tensor at;   ///< int64 [batch]
};

/// Rows of equal length, at most `context`. CLIP's are padded behind the end mark, where nothing looks; the
/// vector is taken at the first end mark, as in transformers. SigLIP's come padded, and the last token is
/// taken.
token_batch make_batch(const std::vector<std::vector<std::int32_t>>& rows, text_kind kind, std::int32_t end,
                       std::size_t context, bool few_sizes) {
  std::size_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, row.size());
  if (few_sizes && kind == text_kind::clip) longest = padded_length(longest, context);
  const auto count = static_cast<std::int64_t>(rows.size()), length = static_cast<std::int64_t>(longest);
  token_batch batch{at::full({count, length}, end, at::kLong), at::empty({count}, at::kLong)};
  auto* ids = batch.ids.data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < rows.size(); ++i, ids += length) {
    std::copy(rows[i].begin(), rows[i].end(), ids);
    const auto taken = kind == text_kind::clip
                           ? std::find(rows[i].begin(), rows[i].end(), end) - rows[i].begin()
                           : static_cast<std::ptrdiff_t>(longest) - 1;
    batch.at[static_cast<std::int64_t>(i)] = static_cast<std::int64_t>(taken);
  }
  return batch;
}

}  // namespace

struct text_encoder::impl {
  model_folder folder;
  std::unique_ptr<text_tokenizer> tokenizer;
  compute_device on;
  text_module module;
  int threads;
  provenance made;

  result<void> encode(const std::vector<std::string>& texts, std::size_t from, std::size_t count,
                      std::vector<embedding>& into) const {
    const auto& tower = *folder.text;
    std::vector<std::vector<std::int32_t>> rows;
    for (std::size_t i = from; i < from + count; ++i) rows.push_back(tokenizer->encode(texts[i]));
    const auto batch = make_batch(rows, tower.kind, rows[0].back(), static_cast<std::size_t>(tower.context),
                                  on.device.is_cpu());
    at::Tensor vectors;
    try {
      const c10::InferenceMode inference;
      vectors = module.forward(batch.ids.to(on.device), batch.at.to(on.device)).to(at::kCPU).contiguous();
    } catch (const std::exception& e) {
      return with_cause(
          {errc::device, "cannot embed text", texts[from].substr(0, 60), "the forward pass failed", ""}, e);
    }
    const float* row = vectors.const_data_ptr<float>();
    for (std::size_t i = 0; i < count; ++i, row += tower.dim) {
      embedding e{{row, row + tower.dim}, folder.stored.text_fingerprint, folder.stored.info.name, made};
      if (!std::all_of(e.values.begin(), e.values.end(), [](float v) { return std::isfinite(v); }))
        return error{errc::device, "cannot embed text", texts[from + i].substr(0, 60),
                     "the forward pass gave numbers that are not finite",
                     "try embed.precision: fp32, and catwalk model verify"};
      into.push_back(std::move(e));
    }
    return {};
  }
};

text_encoder::text_encoder(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
text_encoder::~text_encoder() = default;

result<std::unique_ptr<text_encoder>> text_encoder::open(const stored_model& model,
                                                         const text_options& options) {
  auto folder = open_model_folder(model);
  if (!folder) return folder.error();
  auto tokenizer = open_tokenizer(*folder);
  if (!tokenizer) return tokenizer.error();
  auto on = choose_device(options.device, options.precision);
  if (!on) return on.error();
  *on = on->without_int8();
  auto weights = load_weights(folder->text_weights_file(), *folder->text);
  if (!weights) return weights.error();
  auto module = text_module::build(*weights, *on);
  if (!module) return module.error();
  const provenance made{on->precision_name, "exact", on->device_name, folder->stored.info.untrained};
  return std::unique_ptr<text_encoder>(
      new text_encoder(std::make_unique<impl>(impl{std::move(*folder), std::move(*tokenizer), std::move(*on),
                                                   std::move(*module), options.threads, made})));
}

result<std::vector<embedding>> text_encoder::encode(const std::vector<std::string>& texts) const {
  at::set_num_threads(std::max(1, impl_->threads));
  std::vector<embedding> vectors;
  vectors.reserve(texts.size());
  for (std::size_t from = 0, size = 0; from < texts.size(); from += size) {
    const auto left = static_cast<std::int64_t>(texts.size() - from);
    size = static_cast<std::size_t>(impl_->on.device.is_cpu() ? pass_size(left, most_at_once)
                                                              : std::min(left, most_at_once));
    if (auto done = impl_->encode(texts, from, size, vectors); !done) return done.error();
  }
  return vectors;
}

result<embedding> text_encoder::encode(const std::string& text) const {
  auto one = encode(std::vector{text});
  if (!one) return one.error();
  return std::move(one->front());
}

std::size_t text_encoder::count_tokens(std::string_view text) const {
  const auto ids = impl_->tokenizer->encode(text);
  // The first end mark ends the text; what follows it is padding.
  const auto end = std::find(ids.begin(), ids.end(), ids.back());
  return static_cast<std::size_t>(end - ids.begin()) + (end == ids.end() ? 0 : 1);
}

const stored_model& text_encoder::model() const noexcept {
  return impl_->folder.stored;
}

result<std::vector<std::int32_t>> tokenize(const stored_model& model, std::string_view text) {
  const auto folder = read_model_folder(model.dir);
  if (!folder) return folder.error();
  const auto tokenizer = open_tokenizer(*folder);
  if (!tokenizer) return tokenizer.error();
  return (*tokenizer)->encode(text);
}

result<std::vector<std::int32_t>> tokenize_with(const std::filesystem::path& vocabulary,
                                                std::string_view text) {
  auto opened = clip_vocabulary::open(vocabulary);
  if (!opened) return opened.error();
  return clip_tokenizer(std::move(*opened), clip_context).encode(text);
}

error no_text_error(const stored_model& model) {
  return {errc::not_found, "the model embeds no texts", model.info.name, model.no_text,
          "import it again from a folder that holds its tokenizer's files, or with --vocabulary FILE (CLIP: "
          "bpe_simple_vocab_16e6.txt.gz, tokenizer.json or vocab.json; SigLIP: spiece.model or "
          "tokenizer.json)"};
}

}  // namespace catwalk::embed
