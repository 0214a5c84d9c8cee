// What the text tests in Python look at. Texts are JSON strings, one a line, on stdin; an error is printed to
// stderr and ends with 1.
//   text_stage_dump tokenize VOCABULARY              a list of ids a line
//   text_stage_dump pieces VOCABULARY                the same, by SigLIP's rules
//   text_stage_dump ids MODEL_DIR                    the same, by a stored model's own tokenizer
//   text_stage_dump vectors MODEL_DIR PRECISION OUT  OUT: a safetensors file with vectors [texts, dim]
//   text_stage_dump stages MODEL_DIR PRECISION OUT   stage_00, stage_01 … of all texts, which have equal
//                                                    numbers of tokens
// Passes run on the device that CATWALK_TEST_DEVICE names, else on the CPU.
#include <torch/script.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "device_under_test.hpp"
#include "embed/clip_tokenizer.hpp"
#include "embed/model_folder.hpp"
#include "embed/siglip_tokenizer.hpp"
#include "embed/stored_tokenizer.hpp"
#include "embed/text_encoder.hpp"
#include "embed/text_module.hpp"

namespace {

using namespace catwalk;

template <class T>
T check(result<T> value) {
  if (!value) throw exception(value.error());
  if constexpr (!std::is_void_v<T>) return std::move(*value);
}

std::vector<std::string> read_texts() {
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) texts.push_back(nlohmann::json::parse(line));
  return texts;
}

void print_ids(const embed::text_tokenizer& tokenizer) {
  for (const auto& text : read_texts()) std::cout << nlohmann::json(tokenizer.encode(text)).dump() << '\n';
}

void vectors(const std::string& dir, const std::string& precision, const std::string& out) {
  const auto folder = check(embed::read_model_folder(dir));
  const auto encoder = check(embed::text_encoder::open(folder.stored, {tests::device(), precision, 1}));
  const auto texts = read_texts();
  const auto made = check(encoder->encode(texts));
  auto all = at::zeros({static_cast<std::int64_t>(texts.size()), folder.text->dim});
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (made[i].fingerprint != folder.stored.text_fingerprint)
      throw std::runtime_error("another fingerprint");
    std::copy(made[i].values.begin(), made[i].values.end(),
              all.data_ptr<float>() + static_cast<std::int64_t>(i) * folder.text->dim);
  }
  check(embed::save_tensors(out, {{"vectors", all}}));
}

void stages(const std::string& dir, const std::string& precision, const std::string& out) {
  const auto folder = check(embed::read_model_folder(dir));
  const auto tokenizer = check(embed::open_tokenizer(folder));
  const auto on = check(embed::choose_device(tests::device(), precision));
  const auto module = check(
      embed::text_module::build(check(embed::load_weights(folder.text_weights_file(), *folder.text)), on));
  std::vector<at::Tensor> rows;
  for (const auto& text : read_texts()) {
    const auto ids = tokenizer->encode(text);
    rows.push_back(at::tensor(std::vector<std::int64_t>(ids.begin(), ids.end()), at::kLong));
  }
  const auto ids = at::stack(rows);
  const auto at = at::full({ids.size(0)}, ids.size(1) - 1, at::kLong);
  const c10::InferenceMode inference;
  embed::tensor_map tensors;
  int number = 0;
  for (const auto& stage : module.stages(ids.to(on.device), at.to(on.device))) {
    const auto digits = std::to_string(number++);
    tensors["stage_" + std::string(2 - digits.size(), '0') + digits] = stage.to(at::kCPU);
  }
  check(embed::save_tensors(out, tensors));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  try {
    if (args.size() == 2 && args[0] == "tokenize")
      print_ids(embed::clip_tokenizer(check(embed::clip_vocabulary::open(args[1])), 77));
    else if (args.size() == 2 && args[0] == "pieces")
      print_ids(embed::siglip_tokenizer(check(embed::unigram_vocabulary::open(args[1])), 64,
                                        embed::text_cleaning::plain));
    else if (args.size() == 2 && args[0] == "ids")
      print_ids(*check(embed::open_tokenizer(check(embed::read_model_folder(args[1])))));
    else if (args.size() == 4 && args[0] == "vectors")
      vectors(args[1], args[2], args[3]);
    else if (args.size() == 4 && args[0] == "stages")
      stages(args[1], args[2], args[3]);
    else
      throw std::runtime_error("usage: text_stage_dump tokenize|pieces|ids|vectors|stages …");
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
