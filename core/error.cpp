#include "core/error.hpp"

#include <array>
#include <utility>

namespace catwalk {
namespace {

struct entry {
  errc code;
  std::string_view name;
  const char* message;
};

constexpr std::array entries{
    entry{errc::cancelled, "cancelled", "cancelled"},
    entry{errc::timeout, "timeout", "a time limit ran out"},
    entry{errc::network, "network", "network error"},
    entry{errc::refused_address, "refused_address", "address refused"},
    entry{errc::too_many_redirects, "too_many_redirects", "too many redirects"},
    entry{errc::too_large, "too_large", "a size limit was reached"},
    entry{errc::http_status, "http_status", "unexpected HTTP status"},
    entry{errc::blocked, "blocked", "blocked by the shop"},
    entry{errc::robots, "robots", "forbidden by robots.txt"},
    entry{errc::malformed, "malformed", "malformed document"},
    entry{errc::invalid_expression, "invalid_expression", "invalid expression"},
    entry{errc::not_an_image, "not_an_image", "not an image"},
    entry{errc::broken_image, "broken_image", "broken image"},
    entry{errc::unsupported_image, "unsupported_image", "unsupported image format"},
    entry{errc::model_missing, "model_missing", "model not found"},
    entry{errc::model_invalid, "model_invalid", "invalid model"},
    entry{errc::model_mismatch, "model_mismatch", "model does not match the sink"},
    entry{errc::device, "device", "compute device error"},
    entry{errc::remote_encoder, "remote_encoder", "remote embedding service failed"},
    entry{errc::state_locked, "state_locked", "state folder in use"},
    entry{errc::state_damaged, "state_damaged", "state database damaged"},
    entry{errc::state_newer, "state_newer", "state database too new"},
    entry{errc::disk_full, "disk_full", "disk full"},
    entry{errc::io, "io", "file system error"},
    entry{errc::database, "database", "database error"},
    entry{errc::sink_unavailable, "sink_unavailable", "sink unavailable"},
    entry{errc::sink_unauthorized, "sink_unauthorized", "sink refuses the key"},
    entry{errc::sink_schema, "sink_schema", "sink's table does not fit"},
    entry{errc::sink_rejected, "sink_rejected", "row refused by the sink"},
    entry{errc::queue_full, "queue_full", "queue full"},
    entry{errc::invalid_argument, "invalid_argument", "invalid argument"},
    entry{errc::invalid_config, "invalid_config", "invalid configuration"},
    entry{errc::not_found, "not_found", "not found"},
    entry{errc::internal, "internal", "internal error"},
};

const entry& find(errc code) noexcept {
  for (const auto& e : entries)
    if (e.code == code) return e;
  return entries.back();
}

class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "catwalk"; }
  std::string message(int value) const override { return find(static_cast<errc>(value)).message; }
};

}  // namespace

const boost::system::error_category& error_category() noexcept {
  static const category instance;
  return instance;
}

std::string_view name_of(errc code) noexcept {
  return find(code).name;
}

std::string error::to_string() const {
  std::string text = what.empty() ? std::string(find(code).message) : what;
  if (!on.empty()) text += ": " + on;
  if (!why.empty()) text += ": " + why;
  if (!hint.empty()) text += " (" + hint + ")";
  return text;
}

void throw_exception_from_error(const error& e, const boost::source_location&) {
  throw exception(e);
}

}  // namespace catwalk
