#include "embed/remote_answer.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base64.hpp"
#include "core/json_text.hpp"

namespace catwalk::embed {
namespace {

using nlohmann::json;

error bad_answer(errc code, std::string_view service, std::string why, std::string hint) {
  return {code, "cannot use the remote encoder's answer", std::string(service), std::move(why),
          std::move(hint)};
}

}  // namespace

std::string remote_request_by_address(std::string_view address) {
  return json_text({{"image", address}, {"type", "url"}});
}

std::string remote_request_by_bytes(std::string_view bytes, const picture_view& view) {
  json request{{"type", "base64"}, {"exif", view.upright}};
  if (view.crop) request["crop"] = {view.crop->x, view.crop->y, view.crop->width, view.crop->height};
  request["image"] = base64_encode(bytes);
  return json_text(request);
}

result<std::vector<float>> read_remote_answer(std::string_view body, int width, std::string_view service) {
  const std::string contract = R"(it has to answer {"embedding": [numbers]}; check embed.remote.url)";
  const auto document = json::parse(body, nullptr, false);
  if (!document.is_object() || !document.contains("embedding") || !document["embedding"].is_array())
    return bad_answer(errc::remote_encoder, service, "it holds no embedding", contract);
  const auto& numbers = document["embedding"];
  std::vector<float> values;
  values.reserve(numbers.size());
  double square = 0;
  for (const auto& number : numbers) {
    if (!number.is_number())
      return bad_answer(errc::remote_encoder, service, "it is not all numbers", contract);
    const auto value = number.get<float>();
    if (!std::isfinite(value))
      return bad_answer(errc::remote_encoder, service, "a number is not finite", contract);
    square += static_cast<double>(value) * static_cast<double>(value);
    values.push_back(value);
  }
  if (width != 0 && values.size() != static_cast<std::size_t>(width))
    return bad_answer(errc::model_mismatch, service,
                      "its vectors have " + std::to_string(values.size()) + " numbers, " +
                          std::to_string(width) + " are expected",
                      "the service runs another model: name it in embed.model, or ask another service");
  if (!(square > 0)) return bad_answer(errc::remote_encoder, service, "the vector has no length", contract);
  return values;
}

}  // namespace catwalk::embed
