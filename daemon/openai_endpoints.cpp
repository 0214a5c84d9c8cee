#include "daemon/openai_endpoints.hpp"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "core/base64.hpp"
#include "core/json_text.hpp"
#include "core/offload.hpp"
#include "daemon/embed_endpoints.hpp"
#include "daemon/http_error.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

using nlohmann::json;

constexpr std::size_t most_inputs = 64;

error wrong(std::string why, std::string hint = {}) {
  return {errc::invalid_argument, "cannot read the request", "", std::move(why), std::move(hint)};
}

/// What `POST /v1/embeddings` takes.
struct embeddings_request {
  std::vector<std::string> inputs;
  std::string model;
  bool images = false;
  bool as_base64 = false;  ///< `encoding_format`: little-endian floats in base64
};

std::string text_of(const json& document, const char* key, const char* otherwise) {
  return document.contains(key) && document[key].is_string() ? document[key].get<std::string>() : otherwise;
}

result<embeddings_request> read_request(const std::string& body, std::size_t width) {
  const auto document = json::parse(body, nullptr, false);
  if (!document.is_object()) return wrong("the body is not a JSON object");
  embeddings_request request;
  if (!document.contains("input")) return wrong("there is no input");
  const auto& input = document["input"];
  for (const auto& one : input.is_array() ? input : json::array({input})) {
    if (!one.is_string()) return wrong("input is not a text or a list of texts");
    request.inputs.push_back(one.get<std::string>());
  }
  if (request.inputs.empty() || request.inputs.size() > most_inputs)
    return wrong("input has to be one text, or a list of 1 to " + std::to_string(most_inputs));
  request.model = text_of(document, "model", "");
  const auto format = text_of(document, "encoding_format", "float");
  if (format != "float" && format != "base64") return wrong("encoding_format is neither float nor base64");
  request.as_base64 = format == "base64";
  if (document.contains("dimensions") && document["dimensions"] != width)
    return wrong("this model's vectors have " + std::to_string(width) + " numbers", "leave dimensions out");
  const bool pictures = std::all_of(request.inputs.begin(), request.inputs.end(),
                                    [](const auto& one) { return one.starts_with("data:image/"); });
  const auto modality = text_of(document, "modality", pictures ? "image" : "text");
  if (modality != "image" && modality != "text") return wrong("modality is neither image nor text");
  request.images = modality == "image";
  return request;
}

std::string numbers_of(const embedding& vector, bool as_base64) {
  if (!as_base64) return numbers_json(vector.values);
  static_assert(std::endian::native == std::endian::little);
  return json_text(json(base64_encode(
      {reinterpret_cast<const char*>(vector.values.data()), vector.values.size() * sizeof(float)})));
}

/// One vector for each input, and how many tokens the texts had.
struct embedded_inputs {
  std::vector<embedding> vectors;
  std::size_t tokens = 0;
};

asio::awaitable<result<embedded_inputs>> embed_pictures(application& app, query_embedder& embedder,
                                                        const std::vector<std::string>& inputs) {
  embedded_inputs made;
  made.vectors.reserve(inputs.size());
  for (const auto& input : inputs) {
    auto decode = [&input] { return picture_from_text(input); };
    auto query = co_await offload(app.cpu(), std::move(decode));
    if (!query) co_return query.error();
    auto vector = co_await embedder.embed(std::move(*query), true);
    if (!vector) co_return vector.error();
    made.vectors.push_back(std::move(*vector));
  }
  co_return made;
}

asio::awaitable<result<embedded_inputs>> embed_texts(application& app, std::vector<std::string> inputs) {
  auto* texts = app.texts();
  if (texts == nullptr) co_return app.no_texts();
  auto made = co_await texts->embed(std::move(inputs));
  if (!made) co_return made.error();
  co_return embedded_inputs{std::move(made->vectors), made->tokens};
}

asio::awaitable<http_reply> answer_embeddings(application& app, query_embedder& embedder,
                                              const http_server_request& request) {
  if (app.encoder() == nullptr)
    co_return error_reply({errc::model_missing, "cannot embed", "", "the model is not loaded yet", ""});
  const auto& model = app.encoder()->model();
  const auto width = static_cast<std::size_t>(model.dim);
  auto read = [&request, width] { return read_request(request.body(), width); };
  auto asked = co_await offload(app.cpu(), std::move(read));
  if (!asked) co_return error_reply(asked.error());
  if (!asked->model.empty() && asked->model != model.name && asked->model != app.settings().embed.model)
    co_return error_reply(
        {errc::not_found, "no such model", asked->model, "", "GET /v1/models names the one that is loaded"});
  auto embedding_inputs = asked->images ? embed_pictures(app, embedder, asked->inputs)
                                        : embed_texts(app, std::move(asked->inputs));
  const auto made = co_await std::move(embedding_inputs);
  if (!made) co_return error_reply(made.error());
  std::string data;
  for (std::size_t i = 0; i < made->vectors.size(); ++i)
    data += (i == 0 ? "" : ",") + std::string("{\"object\":\"embedding\",\"index\":") + std::to_string(i) +
            ",\"embedding\":" + numbers_of(made->vectors[i], asked->as_base64) + "}";
  const auto tokens = std::to_string(made->tokens);
  co_return json_reply(
      200, "{\"object\":\"list\",\"data\":[" + data + "],\"model\":" + json_text(json(model.name)) +
               ",\"usage\":{\"prompt_tokens\":" + tokens + ",\"total_tokens\":" + tokens + "}}\n");
}

http_reply answer_models(application& app) {
  auto list = json::array();
  if (const auto* encoder = app.encoder()) {
    const auto& model = encoder->model();
    auto modalities = json::array({"image"});
    if (app.texts() != nullptr) modalities.push_back("text");
    list.push_back({{"id", model.name},
                    {"object", "model"},
                    {"created", 0},
                    {"owned_by", "catwalk"},
                    {"architecture", model.architecture},
                    {"dimensions", model.dim},
                    {"fingerprint", model.fingerprint},
                    {"modalities", std::move(modalities)},
                    {"untrained", model.untrained}});
  }
  return json_reply(200, json_text({{"object", "list"}, {"data", std::move(list)}}) + "\n");
}

}  // namespace

void add_openai_routes(http_router& router, application& app, query_embedder& embedder) {
  const auto token = access_policy::need::token;
  const auto models = [&app](const http_server_request&, const path_values&) -> asio::awaitable<http_reply> {
    co_return answer_models(app);
  };
  router.add({http::verb::get, "/v1/models", token, 0, models, {}});
  const auto embeddings = [&app, &embedder](const http_server_request& request, const path_values&) {
    return answer_embeddings(app, embedder, request);
  };
  router.add({http::verb::post, "/v1/embeddings", token, most_picture_body(app.settings()), embeddings, {}});
}

}  // namespace catwalk::daemon
