#include "scrape/browser_answer_rule.hpp"

#include <boost/asio/ip/address.hpp>

#include "core/url.hpp"

namespace catwalk::scrape {

namespace ip = boost::asio::ip;

std::optional<std::string> refusal_of(const browser_answer& answer, const address_guard& guard,
                                      const std::optional<ip::tcp::endpoint>& through) {
  const std::string address(without_brackets(answer.address));
  if (address.empty() || answer.from_cache || answer.by_proxy) return std::nullopt;
  const std::string told = "the browser was answered by " + address;
  boost::system::error_code unreadable;
  const auto numeric = ip::make_address(address, unreadable);
  if (unreadable) return told + ", which is no address";
  if (through) {
    if (ip::tcp::endpoint(numeric, answer.port) == *through) return std::nullopt;
    return told + ", past catwalk's guard";
  }
  if (const auto why = guard.check(numeric, answer.port)) return told + ", which is " + *why;
  return std::nullopt;
}

}  // namespace catwalk::scrape
