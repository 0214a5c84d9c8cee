#include "config/secret_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "config/nearest_key.hpp"
#include "config/yaml_value.hpp"

namespace catwalk::config {
namespace {

constexpr std::size_t longest_secret = 64UL * 1024;

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::nullopt_t missing(reading& context, std::string_view name, const place& where, std::string what,
                       std::string hint) {
  context.missing_secrets[std::string(name)] = {problem::level::error, where,
                                                std::string(name) + ": " + std::move(what), std::move(hint)};
  return std::nullopt;
}

std::optional<secret> from_file(const std::filesystem::path& path, std::string_view name, const place& where,
                                reading& context) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(longest_secret + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (file.fail() && !file.eof())) {
    return missing(context, name, where,
                   "cannot read " + path.string() + ": " + std::strerror(errno ? errno : EIO),
                   errno == EACCES ? "secrets are for root and the service: use sudo" : "");
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > longest_secret)
    return missing(context, name, where, path.string() + " is no secret: over 64 KiB", "");
  text = without_line_end(std::move(text));
  if (text.empty()) return missing(context, name, where, path.string() + " is empty", "");
  return secret(std::move(text));
}

std::optional<secret> from_credential(const yaml_node& value, std::string_view name, reading& context) {
  if (value.text.empty() || value.text.find('/') != std::string::npos || value.text == "..") {
    return refuse(context.found, value.where, std::string(name) + ".credential: expected a plain file name",
                  "");
  }
  const auto directory = context.environment.find("CREDENTIALS_DIRECTORY");
  if (directory == context.environment.end() || directory->second.empty()) {
    // Outside of the service: where its unit takes them from.
    const auto beside = context.folder / "credentials" / value.text;
    std::error_code unreadable;
    if (std::filesystem::status(beside, unreadable).type() != std::filesystem::file_type::not_found)
      return from_file(beside, name, value.where, context);
    return missing(context, name, value.where,
                   "the credential '" + value.text + "' needs $CREDENTIALS_DIRECTORY",
                   "systemd sets it for a unit with LoadCredential=" + value.text +
                       ":PATH; the unit of the package takes the files in /etc/catwalk/credentials");
  }
  const std::filesystem::path folder = directory->second;
  // LoadCredential=catwalk:FOLDER calls each file of the folder catwalk_NAME.
  std::error_code unreadable;
  const auto of_folder = folder / ("catwalk_" + value.text);
  const bool alone = std::filesystem::exists(folder / value.text, unreadable) ||
                     !std::filesystem::exists(of_folder, unreadable);
  return from_file(alone ? folder / value.text : of_folder, name, value.where, context);
}

}  // namespace

std::optional<secret> read_secret(const yaml_node& node, std::string_view name, reading& context) {
  const std::string forms = "a text, { credential: NAME }, { file: PATH } or { env: NAME }";
  context.missing_secrets.erase(std::string(name));
  if (node.type == yaml_node::kind::scalar) return secret(without_line_end(node.text));
  if (node.type != yaml_node::kind::mapping || node.entries.size() != 1) {
    return refuse(context.found, node.where, std::string(name) + ": expected a secret", "write " + forms);
  }
  const yaml_entry& entry = node.entries.front();
  const yaml_node& value = *entry.value;
  const std::vector<std::string> kinds{"credential", "file", "env"};
  if (std::find(kinds.begin(), kinds.end(), entry.key) == kinds.end()) {
    // The key is not echoed: `{ MYSECRET }` is a mapping whose key is the secret.
    const std::string near = nearest_key(entry.key, kinds);
    return refuse(context.found, entry.where, std::string(name) + ": unknown key of a secret",
                  near.empty() ? "write " + forms : "did you mean '" + near + "'?");
  }
  if (value.type != yaml_node::kind::scalar || value.text.empty()) {
    return refuse(context.found, value.where, std::string(name) + "." + entry.key + ": expected a name",
                  "write " + forms);
  }
  if (entry.key == "credential") return from_credential(value, name, context);
  if (entry.key == "file") return from_file(context.folder / value.text, name, value.where, context);
  warn(context.found, value.where,
       std::string(name) +
           ": a secret in the environment can be read by other processes "
           "of the same user",
       "{ credential: NAME } or { file: PATH } is safer");
  const auto variable = context.environment.find(value.text);
  if (variable == context.environment.end() || variable->second.empty()) {
    return missing(context, name, value.where, "the environment variable " + value.text + " is not set", "");
  }
  return secret(variable->second);
}

}  // namespace catwalk::config
