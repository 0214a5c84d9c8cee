// What the vision tests in Python look at. Answers are JSON on stdout, tensors go to safetensors files; an
// error is printed to stderr and ends with 1.
//   vision_stage_dump import SOURCE MODELS_DIR NAME [VOCABULARY]   imports, prints what it became
//   vision_stage_dump script FILE MODELS_DIR NAME DIM IMAGE_SIZE
//       the same for a TorchScript module, whose pictures have a mean of 0.5 and a deviation of 0.25
//   vision_stage_dump untrained MODELS_DIR SEED          the same for a seeded model
//   vision_stage_dump stages MODEL_DIR PRECISION PIXELS OUT
//       PIXELS: a safetensors file with "pixels", uint8 [batch, 3, size, size]; OUT: stage_00, stage_01 … and
//       vectors
//   vision_stage_dump pool MODEL_DIR PRECISION OUT FILE…  embeds files through the worker pool: vectors
//   [files, dim]
// Passes run on the device that CATWALK_TEST_DEVICE names, else on the CPU.
#include <torch/script.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "device_under_test.hpp"
#include "embed/int8_calibration.hpp"
#include "embed/model_folder.hpp"
#include "embed/vision_module.hpp"
#include "embed/worker_pool.hpp"

namespace {

namespace asio = boost::asio;
using namespace catwalk;

template <class T>
T check(result<T> value) {
  if (!value) throw exception(value.error());
  if constexpr (!std::is_void_v<T>) return std::move(*value);
}

void print(const embed::stored_model& m) {
  std::cout << nlohmann::json{{"name", m.info.name},
                              {"architecture", m.info.architecture},
                              {"dim", m.info.dim},
                              {"image_size", m.info.image_size},
                              {"fingerprint", m.info.fingerprint},
                              {"text_fingerprint", m.text_fingerprint},
                              {"no_text", m.no_text},
                              {"untrained", m.info.untrained},
                              {"source_sha256", m.source_sha256},
                              {"dir", m.dir.string()}}
                   .dump()
            << '\n';
}

void save(const std::string& file, const std::map<std::string, at::Tensor>& tensors) {
  std::map<std::string, embed::tensor_view, std::less<>> views;
  std::vector<at::Tensor> kept;
  for (const auto& [name, tensor] : tensors) {
    kept.push_back(tensor.to(at::kCPU, at::kFloat).contiguous());
    const auto& t = kept.back();
    views[name] = {embed::tensor_type::f32,
                   t.sizes().vec(),
                   {static_cast<const std::byte*>(t.const_data_ptr()), t.nbytes()}};
  }
  check(embed::write_safetensors(file, views));
}

void stages(const std::string& model_dir, const std::string& precision, const std::string& in,
            const std::string& out) {
  const auto folder = check(embed::read_model_folder(model_dir));
  const auto on = check(embed::choose_device(tests::device(), precision));
  const auto weights = check(embed::load_weights(folder.weights_file(), folder.tower));
  embed::int8_calibration calibration;
  if (on.int8) calibration = embed::calibration_of(folder, weights);
  const auto module = check(embed::vision_module::build(weights, on, calibration));
  const auto archive = std::make_shared<const embed::safetensors>(check(embed::safetensors::open_file(in)));
  const auto pixels = embed::as_tensor(archive, archive->tensors().at("pixels")).to(on.device);
  const c10::InferenceMode inference;
  std::map<std::string, at::Tensor> tensors{{"vectors", module.forward(pixels)}};
  int number = 0;
  for (const auto& stage : module.stages(pixels)) {
    const auto digits = std::to_string(number++);
    tensors["stage_" + std::string(2 - digits.size(), '0') + digits] = stage;
  }
  save(out, tensors);
}

asio::awaitable<void> embed_file(embed::image_encoder& pool, std::string file,
                                 std::optional<embedding>& into) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  auto vector = co_await pool.encode(std::move(bytes), file, embed::lane::bulk);
  if (vector)
    into = std::move(*vector);
  else
    std::cerr << vector.error().to_string() << '\n';
}

void through_pool(const std::string& model_dir, const std::string& precision, const std::string& out,
                  const std::vector<std::string>& files) {
  const auto folder = check(embed::read_model_folder(model_dir));
  asio::io_context loop;
  embed::pool_options options;
  options.device = tests::device();
  options.precision = precision;
  const auto pool = check(embed::make_worker_pool(loop.get_executor(), folder.stored, options));
  std::vector<std::optional<embedding>> vectors(files.size());
  // The loop runs until every coroutine has ended, so that nothing is left behind.
  for (std::size_t i = 0; i < files.size(); ++i)
    asio::co_spawn(loop, embed_file(*pool, files[i], vectors[i]), [](const std::exception_ptr& failed) {
      if (failed) std::rethrow_exception(failed);
    });
  loop.run();
  pool->close();
  auto all = at::zeros({static_cast<std::int64_t>(files.size()), folder.tower.dim});
  auto json = nlohmann::json::array();
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!vectors[i]) throw std::runtime_error("no vector for " + files[i]);
    std::copy(vectors[i]->values.begin(), vectors[i]->values.end(),
              all.data_ptr<float>() + static_cast<std::int64_t>(i) * folder.tower.dim);
    json.push_back({{"file", files[i]},
                    {"model", vectors[i]->model},
                    {"fingerprint", vectors[i]->fingerprint},
                    {"precision", vectors[i]->made.precision},
                    {"device", vectors[i]->made.device},
                    {"untrained", vectors[i]->made.untrained}});
  }
  save(out, {{"vectors", all}});
  std::cout << json.dump() << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  try {
    if ((args.size() == 4 || args.size() == 5) && args[0] == "import") {
      embed::import_request request;
      request.source = args[1];
      request.name = args[3];
      if (args.size() == 5) request.vocabulary = args[4];
      print(check(embed::import_model(args[2], request)));
    } else if (args.size() == 6 && args[0] == "script") {
      embed::import_request request;
      request.source = args[1];
      request.name = args[3];
      request.script = {std::stoll(args[4]), std::stoll(args[5]), {0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}};
      print(check(embed::import_model(args[2], request)));
    } else if (args.size() == 3 && args[0] == "untrained")
      print(check(embed::make_untrained_model(args[1], std::stoull(args[2]))));
    else if (args.size() == 5 && args[0] == "stages")
      stages(args[1], args[2], args[3], args[4]);
    else if (args.size() > 4 && args[0] == "pool")
      through_pool(args[1], args[2], args[3], {args.begin() + 4, args.end()});
    else
      throw std::runtime_error("usage: vision_stage_dump import|script|untrained|stages|pool …");
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
