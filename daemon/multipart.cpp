#include "daemon/multipart.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "config/trimmed.hpp"

namespace catwalk::daemon {

namespace {

using boost::beast::iequals;

constexpr std::size_t most_parts = 64, longest_headers = 8192, longest_boundary = 70;

error malformed(std::string why) {
  return {errc::malformed, "cannot read the form", "", std::move(why), "send it as multipart/form-data"};
}

/// Where the parameter ends: the next semicolon that stands in no quotes.
std::size_t end_of_parameter(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (text[i] == ';' && !quoted)
      return i;
  }
  return text.size();
}

std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

result<form_part> parse_headers(std::string_view headers) {
  form_part part;
  bool disposed = false;
  while (!headers.empty()) {
    const auto end = std::min(headers.find("\r\n"), headers.size());
    const auto line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + 2, headers.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return malformed("a header without a colon");
    const auto name = line.substr(0, colon);
    const auto value = config::trimmed(line.substr(colon + 1));
    if (iequals(name, "Content-Disposition")) {
      if (!iequals(config::trimmed(value.substr(0, value.find(';'))), "form-data"))
        return malformed("a part that is no form-data");
      part.name = header_parameter(value, "name");
      part.file_name = header_parameter(value, "filename");
      disposed = true;
    } else if (iequals(name, "Content-Type")) {
      part.content_type = value;
    }
  }
  if (!disposed) return malformed("a part without Content-Disposition");
  return part;
}

}  // namespace

std::string header_parameter(std::string_view header, std::string_view name) {
  auto end = end_of_parameter(header);
  while (end < header.size()) {
    header.remove_prefix(end + 1);
    end = end_of_parameter(header);
    const auto parameter = config::trimmed(header.substr(0, end));
    const auto equals = parameter.find('=');
    if (equals != std::string_view::npos && iequals(config::trimmed(parameter.substr(0, equals)), name))
      return unquoted(config::trimmed(parameter.substr(equals + 1)));
  }
  return {};
}

result<std::vector<form_part>> parse_multipart(std::string_view content_type, std::string_view body) {
  const auto boundary = header_parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > longest_boundary) return malformed("it has no boundary");
  const std::string delimiter = "\r\n--" + boundary;
  // The first delimiter may begin the body; what stands before it is a preamble.
  const std::string_view first(delimiter.data() + 2, delimiter.size() - 2);
  if (!body.starts_with(first)) {
    const auto at = body.find(delimiter);
    if (at == std::string_view::npos) return malformed("its boundary is not in the body");
    body.remove_prefix(at + 2);
  }
  body.remove_prefix(first.size());
  std::vector<form_part> parts;
  while (!body.starts_with("--")) {
    // Blanks may follow a delimiter.
    body.remove_prefix(std::min(body.find_first_not_of(" \t"), body.size()));
    if (!body.starts_with("\r\n")) return malformed("it breaks off");
    body.remove_prefix(2);
    std::string_view headers;
    if (!body.starts_with("\r\n")) {
      const auto end = body.find("\r\n\r\n");
      if (end == std::string_view::npos || end > longest_headers)
        return malformed("a part's headers do not end");
      headers = body.substr(0, end);
      body.remove_prefix(end + 2);
    }
    body.remove_prefix(2);
    auto part = parse_headers(headers);
    if (!part) return part.error();
    const auto end = body.find(delimiter);
    if (end == std::string_view::npos) return malformed("it breaks off");
    part->content = body.substr(0, end);
    body.remove_prefix(end + delimiter.size());
    parts.push_back(std::move(*part));
    if (parts.size() > most_parts)
      return malformed("it has more than " + std::to_string(most_parts) + " parts");
  }
  return parts;
}

}  // namespace catwalk::daemon
