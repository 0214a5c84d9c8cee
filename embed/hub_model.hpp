#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/http_client.hpp"
#include "embed/model_download.hpp"

namespace catwalk::embed {

/// A file of a model on a hub, and the hub's own word for what it holds.
struct hub_file {
  std::string path;  ///< inside the model's repository
  std::uint64_t size = 0;
  std::string sha256;    ///< of a large file; else empty
  std::string git_blob;  ///< SHA-1 of "blob SIZE\0" and the content, as Git names it
};

struct hub_listing {
  std::string commit;
  std::vector<hub_file> files;
};

/// Reads the answer of `/api/models/OWNER/NAME/revision/main?blobs=true`. Errors: `malformed`, naming `on`.
result<hub_listing> read_hub_listing(std::string_view body, const std::string& on);

/// Those that an import reads: configuration, safetensors (one or shards) and the tokenizer's files, of
/// open_clip's, sentence-transformers' or Hugging Face's own form. Errors: `model_invalid` where there are no
/// safetensors, or no form that catwalk knows, naming `on`.
result<std::vector<hub_file>> files_to_import(const hub_listing& listing, const std::string& on);

struct hub_access {
  std::string url;    ///< "https://huggingface.co", or a mirror that speaks the same
  std::string token;  ///< for models that ask for one; empty: none
};

/// A model as it lies on this disk, ready to be imported.
struct hub_download {
  std::filesystem::path folder;
  std::string origin;          ///< its address, with the commit
  std::string weights_sha256;  ///< of the weights, where they are one file
  std::map<std::string, std::string>
      files;  ///< SHA-256 of each large one, as the hub gives it and as it is here
};

/// Downloads the model `name` ("owner/name") into a folder of its own in `models_dir`; each file is checked
/// against the hub's own hash. What arrived stays: a break is gone on from. The token goes to the hub alone,
/// not to where it redirects to. Loop-only. Errors: as of download_file(), `model_missing` (no such model, or
/// it asks for a token), `model_invalid` (as files_to_import).
boost::asio::awaitable<result<hub_download>> pull_from_hub(http_client& http, hub_access access,
                                                           std::string name, std::filesystem::path models_dir,
                                                           download_options options);

}  // namespace catwalk::embed
