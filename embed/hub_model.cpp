#include "embed/hub_model.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "core/url.hpp"
#include "embed/known_models.hpp"

namespace catwalk::embed {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::size_t most_listing = 20'000'000;

constexpr std::array<std::string_view, 8> small_files{
    "config.json", "preprocessor_config.json", "processor_config.json", "vocab.json",
    "merges.txt",  "tokenizer.json",           "spiece.model",          "open_clip_config.json"};

bool is_hex(std::string_view text, std::size_t length) {
  return text.size() == length && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A path that stays in its folder.
bool is_tame(const std::string& path) {
  return !path.empty() && path[0] != '/' && path.find('\\') == std::string::npos &&
         ("/" + path + "/").find("/../") == std::string::npos && path.find('\0') == std::string::npos;
}

/// "STEM.safetensors", its index, or "STEM-00001-of-00002.safetensors".
bool is_weights(std::string_view name, std::string_view stem) {
  if (!name.starts_with(stem)) return false;
  name.remove_prefix(stem.size());
  if (name == ".safetensors" || name == ".safetensors.index.json") return true;
  return name.starts_with("-") && name.find("-of-") != std::string_view::npos &&
         name.ends_with(".safetensors");
}

std::vector<hub_file> files_of(const hub_listing& listing, const std::string& folder, std::string_view stem) {
  std::vector<hub_file> chosen;
  for (const auto& file : listing.files) {
    if (!file.path.starts_with(folder)) continue;
    const auto name = std::string_view(file.path).substr(folder.size());
    if (std::find(small_files.begin(), small_files.end(), name) != small_files.end() ||
        is_weights(name, stem))
      chosen.push_back(file);
  }
  return chosen;
}

bool has_weights(const std::vector<hub_file>& files) {
  return std::any_of(files.begin(), files.end(),
                     [](const hub_file& f) { return f.path.ends_with(".safetensors"); });
}

error failure(errc code, const std::string& on, std::string why, std::string hint) {
  return {code, "cannot download model", on, std::move(why), std::move(hint)};
}

/// What a hub answers instead of a listing.
error refusal(const http_response& answer, const std::string& url, bool with_token) {
  if (answer.status == 401 || answer.status == 403)
    return failure(errc::model_missing, url, "the hub answers " + std::to_string(answer.status),
                   with_token ? "check the name, and that HF_TOKEN may read this model"
                              : "check the name; a model that asks for consent needs HF_TOKEN");
  if (answer.status == 404)
    return failure(errc::model_missing, url, "the hub knows no such model", "check the name");
  auto e =
      failure(errc::http_status, url, "the hub answers " + std::to_string(answer.status), "try again later");
  e.http_status = answer.status;
  return e;
}

}  // namespace

result<hub_listing> read_hub_listing(std::string_view body, const std::string& on) {
  const auto malformed = [&](std::string why) {
    return failure(errc::malformed, on, std::move(why), "check HF_ENDPOINT: this is no answer of a hub");
  };
  const auto root = json::parse(body, nullptr, false);
  if (!root.is_object()) return malformed("the answer is not a JSON object");
  hub_listing listing;
  try {
    listing.commit = root.at("sha").get<std::string>();
    for (const auto& sibling : root.at("siblings")) {
      hub_file file;
      file.path = sibling.at("rfilename").get<std::string>();
      file.size = sibling.value("size", std::uint64_t{0});
      file.git_blob = sibling.value("blobId", "");
      if (const auto large = sibling.find("lfs"); large != sibling.end() && large->is_object()) {
        file.sha256 = large->contains("sha256") ? large->at("sha256").get<std::string>()
                                                : large->at("oid").get<std::string>();
        file.size = large->value("size", file.size);
        if (!is_hex(file.sha256, 64)) return malformed("the SHA-256 of " + file.path + " is none");
      }
      if (is_tame(file.path)) listing.files.push_back(std::move(file));
    }
  } catch (const json::exception& e) {
    return malformed(e.what());
  }
  if (!is_hex(listing.commit, 40)) return malformed("its commit is none");
  return listing;
}

result<std::vector<hub_file>> files_to_import(const hub_listing& listing, const std::string& on) {
  const auto has = [&](std::string_view path) {
    return std::any_of(listing.files.begin(), listing.files.end(),
                       [&](const hub_file& f) { return f.path == path; });
  };
  // In the order in which an importer looks at a folder.
  if (has("open_clip_config.json"))
    if (auto files = files_of(listing, "", "open_clip_model"); has_weights(files)) return files;
  if (has("modules.json"))
    if (auto files = files_of(listing, "0_CLIPModel/", "model"); has_weights(files)) {
      for (const auto& file : listing.files)
        if (file.path == "modules.json") files.push_back(file);
      return files;
    }
  auto files = files_of(listing, "", "model");
  if (!has("config.json"))
    return failure(
        errc::model_invalid, on, "it is of no form that catwalk imports",
        "catwalk imports CLIP and SigLIP models of Hugging Face, sentence-transformers and open_clip");
  if (!has_weights(files))
    return failure(errc::model_invalid, on, "it holds no safetensors",
                   "catwalk opens no pickles, which can run code: look for another copy of the model");
  return files;
}

asio::awaitable<result<hub_download>> pull_from_hub(http_client& http, hub_access access, std::string name,
                                                    fs::path models_dir, download_options options) {
  while (access.url.ends_with('/')) access.url.pop_back();
  http_headers headers;
  if (!access.token.empty()) headers.set("Authorization", "Bearer " + access.token);
  const auto url = access.url + "/api/models/" + name + "/revision/main?blobs=true";
  http_request request;
  request.url = url;
  request.headers = headers;
  request.timeout = options.connect_timeout;
  request.max_bytes = most_listing;
  auto answer = co_await http.fetch(std::move(request));
  if (!answer)
    co_return failure(answer.error().code, url, answer.error().why,
                      "check the network, the proxy settings and HF_ENDPOINT");
  if (answer->status != 200) co_return refusal(*answer, url, !access.token.empty());
  const auto listing = read_hub_listing(answer->body, url);
  if (!listing) co_return listing.error();
  const auto chosen = files_to_import(*listing, access.url + "/" + name);
  if (!chosen) co_return chosen.error();

  hub_download made;
  made.folder = models_dir / (".hub-" + stored_name_of(name) + "-" + listing->commit.substr(0, 12));
  made.origin = access.url + "/" + name + "/tree/" + listing->commit;
  for (const auto& file : *chosen) {
    wanted_file wanted;
    wanted.url = access.url + "/" + name + "/resolve/" + listing->commit + "/" + file.path;
    wanted.headers = headers;
    wanted.target = made.folder / file.path;
    wanted.part = wanted.target.string() + ".part";
    wanted.size = file.size;
    wanted.sha256 = file.sha256;
    wanted.git_blob = file.git_blob;
    auto fetching = download_file(http, std::move(wanted), options);
    auto fetched = co_await std::move(fetching);
    if (!fetched) co_return fetched.error();
    if (file.sha256.empty()) continue;
    made.files[file.path] = file.sha256;
    if (file.path.ends_with("model.safetensors")) made.weights_sha256 = file.sha256;
  }
  co_return made;
}

}  // namespace catwalk::embed
