#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace catwalk::scrape {

/// What lets a client through the guard proxy, as long as it lives.
struct guard_pass {
  std::string user, password;  ///< for Proxy-Authorization
  /// Called with `name:port` for each host that the guard refused or could not reach for this client.
  std::function<void(const std::string& host, const error& why)> on_failure;
};

/// The passes of a guard proxy, each with a random secret of its own. Loop-only.
class guard_passes {
 public:
  /// A new pass; it ends with its last owner. Errors as make_token.
  result<std::shared_ptr<const guard_pass>> make(
      std::function<void(const std::string& host, const error& why)> on_failure);
  /// The pass that a Proxy-Authorization header shows (Basic, RFC 7617); null where it shows none. Secrets
  /// are compared in constant time.
  std::shared_ptr<const guard_pass> shown_by(std::string_view authorization) const;

 private:
  std::map<std::string, std::weak_ptr<const guard_pass>, std::less<>> by_user_;
  unsigned long last_ = 0;
};

}  // namespace catwalk::scrape
