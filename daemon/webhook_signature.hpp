#pragma once
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/http_client.hpp"

namespace catwalk::daemon {

/// The bytes that a webhook's secret stands for, as Standard Webhooks has it: `whsec_` and base64; any other
/// text is its own bytes. `invalid_config`: what follows `whsec_` is not base64, or nothing.
result<std::string> webhook_key(std::string_view secret);

/// The headers that sign a message (standardwebhooks.com, version 1.0.0): `webhook-id`, `webhook-timestamp`
/// (seconds since the epoch), `webhook-signature`: `v1,` and the HMAC-SHA256 of "id.timestamp.body" in
/// base64.
http_headers webhook_headers(std::string_view key, const std::string& id, wall_time sent,
                             std::string_view body);

}  // namespace catwalk::daemon
