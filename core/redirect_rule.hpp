#pragma once
#include "core/http_client.hpp"
#include "core/url.hpp"

namespace catwalk {

/// Whether an answer with this status and a Location is a redirect (301, 302, 303, 307, 308).
bool is_redirect(int status) noexcept;

/// Makes of `request`, which got the redirect `status` from `from`, the one that goes to `to` next, as the
/// Fetch standard's "HTTP-redirect fetch" has it: a 303, and a 301 or 302 after a POST, become a GET without
/// a body. Where the new host is another (or the same under a weaker scheme), only headers that name no one
/// go along. Leaves `request.url` as it is.
void apply_redirect(http_request& request, int status, const url& from, const url& to);

}  // namespace catwalk
