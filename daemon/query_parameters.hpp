#pragma once
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "daemon/http_server.hpp"

namespace catwalk::daemon {

/// What stands behind the "?" of a request, read strictly: each getter checks its parameter, finish() gives
/// the first thing that was wrong, and refuses parameters that nobody asked for, so that a misspelt filter
/// does not quietly show everything.
class query_parameters {
 public:
  explicit query_parameters(const http_request_head& head);

  /// 1 to `longest` bytes of UTF-8.
  std::optional<std::string> text(std::string_view name, std::size_t longest = 200);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  /// A decimal number from 0 to 10^12.
  std::optional<double> amount(std::string_view name);
  bool flag(std::string_view name);
  std::optional<std::string> one_of(std::string_view name, std::initializer_list<std::string_view> words);
  /// `limit`, from 1 to 200, 50 unless given.
  int limit();
  /// `after`: the number that key() made of the last item of the page before.
  std::optional<std::int64_t> after();

  /// Notes that a parameter has a value which cannot be; the first one is told.
  void refuse(std::string_view name, const std::string& why);
  /// `invalid_argument`, or nullopt. Call it after the last getter.
  std::optional<error> finish() const;

 private:
  const std::string* take(std::string_view name);

  std::map<std::string, std::string, std::less<>> given_;
  std::map<std::string, bool, std::less<>> taken_;
  std::optional<error> wrong_;
};

/// The whole text as a number; nullopt where it is none, or does not fit.
std::optional<std::int64_t> whole_number(std::string_view text);

}  // namespace catwalk::daemon
