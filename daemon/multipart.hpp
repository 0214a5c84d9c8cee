#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace catwalk::daemon {

/// One field of a form. The views reach into the body.
struct form_part {
  std::string name;
  std::string file_name;     ///< empty where the field is no file
  std::string content_type;  ///< empty where none is given
  std::string_view content;
};

/// Reads a `multipart/form-data` body (RFC 7578 over RFC 2046, 5.1). At most 64 parts, 8 KB of headers each.
/// Errors: `malformed`, with the reason.
result<std::vector<form_part>> parse_multipart(std::string_view content_type, std::string_view body);

/// The value of a parameter of a header (`boundary` of `multipart/form-data; boundary="x"`), unquoted; empty
/// where it is not there. Parameter names compare without case.
std::string header_parameter(std::string_view header, std::string_view name);

}  // namespace catwalk::daemon
