#include "daemon/static_files.hpp"

#include <zlib.h>

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <memory>
#include <stdexcept>

#include "config/trimmed.hpp"
#include "core/sha256.hpp"

namespace catwalk::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::beast::iequals;

namespace {

// Scripts, styles and connections of this origin alone; pictures also from memory (a picture that is dropped
// onto the page).
constexpr const char* content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src "
    "'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A file with what is told of it, made once.
struct static_file {
  std::string_view bytes;
  std::string_view content_type;
  std::string tag;         ///< with its quotes
  std::string zipped;      ///< empty: not smaller
  std::string zipped_tag;  ///< another, since it is another answer
};

std::shared_ptr<const static_file> prepare(const embedded_file& file) {
  auto made = std::make_shared<static_file>();
  made->bytes = file.bytes;
  made->content_type = content_type_of(file.path);
  const auto hash = sha256_hex(file.bytes).substr(0, 24);
  made->tag = '"' + hash + '"';
  made->zipped_tag = '"' + hash + "-gzip\"";
  made->zipped = gzip(file.bytes);
  if (made->zipped.size() >= file.bytes.size() * 9 / 10) made->zipped.clear();
  return made;
}

std::string_view field(const http_server_request& request, http::field name) {
  const auto value = request[name];
  return {value.data(), value.size()};
}

http_reply serve(const static_file& file, const http_server_request& request) {
  const bool zipped = !file.zipped.empty() && accepts_gzip(field(request, http::field::accept_encoding));
  const auto& tag = zipped ? file.zipped_tag : file.tag;
  http_reply reply;
  reply.content_type = file.content_type;
  reply.headers = {{"ETag", tag},
                   {"Cache-Control", "no-cache"},  // keep it, and ask whether it is still right
                   {"Vary", "Accept-Encoding"},
                   {"Content-Security-Policy", content_security_policy},
                   {"X-Content-Type-Options", "nosniff"},
                   {"Referrer-Policy", "no-referrer"}};
  if (names_tag(field(request, http::field::if_none_match), tag)) {
    reply.status = 304;
    return reply;
  }
  if (zipped) reply.headers.emplace_back("Content-Encoding", "gzip");
  reply.body = zipped ? file.zipped : std::string(file.bytes);
  return reply;
}

/// Cuts the next item off a list that commas part.
std::string_view cut_item(std::string_view& list) {
  const auto end = std::min(list.find(','), list.size());
  const auto item = config::trimmed(list.substr(0, end));
  list.remove_prefix(std::min(end + 1, list.size()));
  return item;
}

}  // namespace

std::string_view content_type_of(std::string_view path) {
  constexpr std::pair<std::string_view, std::string_view> types[] = {
      {".html", "text/html; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".json", "application/json; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".webp", "image/webp"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
      {".webmanifest", "application/manifest+json"}};
  for (const auto& [ending, type] : types)
    if (path.ends_with(ending)) return type;
  return "application/octet-stream";
}

bool names_tag(std::string_view if_none_match, std::string_view tag) {
  while (!if_none_match.empty()) {
    auto item = cut_item(if_none_match);
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == tag || item == "*") return true;
  }
  return false;
}

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    const auto item = cut_item(accept_encoding);
    const auto semicolon = std::min(item.find(';'), item.size());
    const auto coding = config::trimmed(item.substr(0, semicolon));
    auto weight = item.substr(semicolon);
    weight.remove_prefix(std::min(weight.find('='), weight.size()));
    const bool refused = !weight.empty() && weight.find_first_of("123456789") == std::string_view::npos;
    if (iequals(coding, "gzip") || iequals(coding, "x-gzip")) return !refused;
    if (coding == "*") any = !refused;
  }
  return any;
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16;
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib cannot be started");
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) throw std::runtime_error("zlib did not finish");
  return out;
}

void add_static_routes(http_router& router, std::span<const embedded_file> files) {
  constexpr std::string_view web = "web/";
  for (const auto& file : files) {
    std::string path;
    auto access = access_policy::need::nothing;
    if (file.path == "web/index.html") {
      path = "/";
    } else if (file.path.starts_with(web)) {
      path = "/" + std::string(file.path.substr(web.size()));
    } else if (file.path == "openapi.json") {
      path = "/api/v1/openapi.json";
      access = access_policy::need::token;
    } else {
      continue;
    }
    router.add({http::verb::get,
                std::move(path),
                access,
                0,
                [made = prepare(file)](const http_server_request& request, const path_values&)
                    -> asio::awaitable<http_reply> { co_return serve(*made, request); },
                {}});
  }
}

}  // namespace catwalk::daemon
