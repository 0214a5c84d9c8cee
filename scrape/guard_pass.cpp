#include "scrape/guard_pass.hpp"

#include <boost/beast/core/string.hpp>
#include <utility>

#include "core/base64.hpp"
#include "core/token.hpp"

namespace catwalk::scrape {

result<std::shared_ptr<const guard_pass>> guard_passes::make(
    std::function<void(const std::string& host, const error& why)> on_failure) {
  const auto secret = make_token();
  if (secret.has_error()) return secret.error();
  std::erase_if(by_user_, [](const auto& one) { return one.second.expired(); });
  const auto made = std::make_shared<const guard_pass>(
      guard_pass{"page" + std::to_string(++last_), secret->reveal(), std::move(on_failure)});
  by_user_.emplace(made->user, made);
  return std::shared_ptr<const guard_pass>(made);
}

std::shared_ptr<const guard_pass> guard_passes::shown_by(std::string_view authorization) const {
  constexpr std::string_view scheme = "Basic ";
  if (!boost::beast::iequals(authorization.substr(0, scheme.size()), scheme)) return nullptr;
  const auto shown = base64_decode(authorization.substr(scheme.size()));
  if (!shown) return nullptr;
  const auto colon = shown->find(':');
  if (colon == std::string::npos) return nullptr;
  const auto found = by_user_.find(std::string_view(*shown).substr(0, colon));
  auto pass = found == by_user_.end() ? nullptr : found->second.lock();
  if (!pass || !same_secret(std::string_view(*shown).substr(colon + 1), pass->password)) return nullptr;
  return pass;
}

}  // namespace catwalk::scrape
