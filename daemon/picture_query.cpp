#include "daemon/picture_query.hpp"

#include <boost/beast/core/string.hpp>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/base64.hpp"
#include "daemon/multipart.hpp"

namespace catwalk::daemon {

namespace {

using boost::beast::iequals;
using nlohmann::json;

error wrong(std::string why, std::string hint = {}) {
  return {errc::invalid_argument, "cannot read the request", "", std::move(why), std::move(hint)};
}

result<embed::crop_box> crop_of(const json& value) {
  const error e = wrong("crop is not four whole numbers", "write it as [x, y, width, height], in pixels");
  if (!value.is_array() || value.size() != 4) return e;
  int numbers[4];
  for (std::size_t i = 0; i < 4; ++i) {
    // Phones work with fractions of pixels.
    if (!value[i].is_number()) return e;
    const auto number = value[i].get<double>();
    if (!(number >= -1e9 && number <= 1e9)) return e;
    numbers[i] = static_cast<int>(number);
  }
  return embed::crop_box{numbers[0], numbers[1], numbers[2], numbers[3]};
}

result<bool> flag_of(std::string_view text) {
  for (const std::string_view yes : {"true", "1", "yes", "on"})
    if (iequals(text, yes)) return true;
  for (const std::string_view no : {"false", "0", "no", "off"})
    if (iequals(text, no)) return false;
  return wrong("exif is neither true nor false");
}

bool is_address(std::string_view text) {
  return iequals(text.substr(0, 7), "http://") || iequals(text.substr(0, 8), "https://");
}

result<picture_query> from_base64(std::string_view text) {
  auto bytes = base64_decode(text);
  if (!bytes || bytes->empty()) return wrong("image is not base64");
  picture_query query;
  query.bytes = std::move(*bytes);
  query.view.upright = true;
  return query;
}

result<picture_query> from_json(std::string_view body) {
  const auto document = json::parse(body, nullptr, false);
  if (!document.is_object())
    return error{errc::malformed, "cannot read the request", "", "the body is not a JSON object",
                 R"(send {"image": ADDRESS, "type": "url"} or {"image": BASE64, "type": "base64"})"};
  if (!document.contains("image") || !document["image"].is_string())
    return wrong("there is no image", R"(send {"image": ADDRESS, "type": "url"})");
  const auto& image = document["image"].get_ref<const std::string&>();
  const auto type = document.contains("type") ? document["type"] : json(is_address(image) ? "url" : "base64");
  if (type != "url" && type != "base64") return wrong("type is neither url nor base64");
  if (type == "url" && !is_address(image) && !image.starts_with("data:"))
    return wrong("image is not an http or https address", R"(bytes are sent with "type": "base64")");
  auto query =
      type == "base64" && !image.starts_with("data:") ? from_base64(image) : picture_from_text(image);
  if (!query) return query;
  if (document.contains("exif")) {
    if (!document["exif"].is_boolean()) return wrong("exif is neither true nor false");
    query->view.upright = document["exif"].get<bool>();
  }
  if (document.contains("crop") && !document["crop"].is_null()) {
    auto crop = crop_of(document["crop"]);
    if (!crop) return crop.error();
    query->view.crop = *crop;
  }
  return query;
}

result<picture_query> from_form(std::string_view content_type, std::string_view body) {
  const auto parts = parse_multipart(content_type, body);
  if (!parts) return parts.error();
  picture_query query;
  query.view.upright = true;
  for (const auto& part : *parts) {
    if (part.name == "image" || part.name == "file") {
      query.bytes = part.content;
    } else if (part.name == "exif") {
      const auto flag = flag_of(part.content);
      if (!flag) return flag.error();
      query.view.upright = *flag;
    } else if (part.name == "crop") {
      std::string list(part.content);
      if (!list.starts_with('[')) list.insert(0, 1, '[').push_back(']');
      auto crop = crop_of(json::parse(list, nullptr, false));
      if (!crop) return crop.error();
      query.view.crop = *crop;
    } else {
      return wrong("there is no field " + part.name.substr(0, 40), "the fields are image, exif and crop");
    }
  }
  if (query.bytes.empty()) return wrong("there is no image", "send it as the file `image`");
  return query;
}

}  // namespace

result<picture_query> picture_from_text(std::string_view text) {
  if (is_address(text)) {
    picture_query query;
    query.address = text;
    return query;
  }
  if (!text.starts_with("data:")) return from_base64(text);
  const auto comma = text.find(',');
  if (comma == std::string_view::npos || !text.substr(0, comma).ends_with(";base64"))
    return wrong("a data: address that is not base64");
  return from_base64(text.substr(comma + 1));
}

result<picture_query> read_picture_query(std::string_view content_type, std::string_view body) {
  const auto type = content_type.substr(0, content_type.find_first_of("; "));
  if (iequals(type, "multipart/form-data")) return from_form(content_type, body);
  // The predecessor's app sends JSON, whatever it calls it.
  return from_json(body);
}

}  // namespace catwalk::daemon
