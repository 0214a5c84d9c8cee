#pragma once
#include <string>
#include <string_view>

#include "daemon/embedded_files.hpp"
#include "daemon/http_router.hpp"

namespace catwalk::daemon {

/// Serves the dashboard's files (`web/…`, with `web/index.html` at `/`) and `/api/v1/openapi.json`, with
/// ETag, gzip where it helps, and a Content-Security-Policy under which no script runs but these files. The
/// page itself is open: it holds nothing, and asks for the token.
void add_static_routes(http_router& router, std::span<const embedded_file> files);

/// By the file's extension; "application/octet-stream" for what is not known.
std::string_view content_type_of(std::string_view path);

/// Whether `If-None-Match` names the tag (RFC 9110, 13.1.2: weak comparison, a list, or "*").
bool names_tag(std::string_view if_none_match, std::string_view tag);

/// Whether `Accept-Encoding` lets an answer be gzip (RFC 9110, 12.5.3).
bool accepts_gzip(std::string_view accept_encoding);

/// `bytes` as a gzip file.
std::string gzip(std::string_view bytes);

}  // namespace catwalk::daemon
