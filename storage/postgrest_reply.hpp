#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "storage/sink.hpp"

namespace catwalk::storage {

/// What an answer of PostgREST, of Postgres behind it or of the gateway before it means for the rows that
/// were sent. By its `code` first (PostgREST's own, or an SQLSTATE), by the status only where there is none.
/// Codes: https://docs.postgrest.org/en/stable/references/errors.html and Postgres' appendix A.
sink_reply classify_postgrest(const http_response& answer, wall_time now);

/// What a refusal by Postgres itself means, by its SQLSTATE: the same rules.
sink_reply classify_sqlstate(const std::string& sqlstate, const std::string& message);

/// An answer that never came or broke off: the rows may be in or not, so they count as not done.
sink_reply unknown_outcome(error why);

/// Retry-After in seconds or as an HTTP date (RFC 9110, 10.2.3); at most a day.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, wall_time now);

}  // namespace catwalk::storage
