#include "daemon/webhook_signature.hpp"

#include "core/base64.hpp"
#include "core/hmac_sha256.hpp"

namespace catwalk::daemon {

result<std::string> webhook_key(std::string_view secret) {
  constexpr std::string_view prefix = "whsec_";
  if (!secret.starts_with(prefix)) return std::string(secret);
  auto bytes = base64_decode(secret.substr(prefix.size()));
  if (!bytes || bytes->empty())
    return error{errc::invalid_config, "notify.secret begins with whsec_", "", "what follows is not base64",
                 "take it from the receiver as it is"};
  return std::move(*bytes);
}

http_headers webhook_headers(std::string_view key, const std::string& id, wall_time sent,
                             std::string_view body) {
  const auto timestamp = std::to_string(to_millis(sent) / 1000);
  const auto digest = hmac_sha256(key, id + "." + timestamp + "." + std::string(body));
  const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
  return {{"webhook-id", id},
          {"webhook-timestamp", timestamp},
          {"webhook-signature", "v1," + base64_encode(bytes)}};
}

}  // namespace catwalk::daemon
