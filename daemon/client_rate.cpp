#include "daemon/client_rate.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace catwalk::daemon {

std::optional<std::chrono::milliseconds> client_rate::wait(const std::string& client, steady_time now) {
  auto found = by_client_.find(client);
  if (found == by_client_.end()) {
    if (by_age_.size() >= limits_.clients) {
      by_client_.erase(by_age_.back().client);
      by_age_.pop_back();
    }
    by_age_.push_front({client, now});
    found = by_client_.emplace(client, by_age_.begin()).first;
  } else {
    by_age_.splice(by_age_.begin(), by_age_, found->second);
  }
  auto& full_at = found->second->full_at;
  const auto next = std::max(full_at, now) + limits_.every;
  const auto ahead = next - now - limits_.every * limits_.burst;
  if (ahead > steady_time::duration::zero()) return std::chrono::ceil<std::chrono::milliseconds>(ahead);
  full_at = next;
  return std::nullopt;
}

std::string client_of(const std::string& peer_address, std::string_view forwarded_for) {
  namespace ip = boost::asio::ip;
  boost::system::error_code ec;
  auto address = ip::make_address(peer_address, ec);
  if (ec) return peer_address;
  if (address.is_loopback() && !forwarded_for.empty()) {
    auto last = forwarded_for.substr(forwarded_for.rfind(',') + 1);
    last.remove_prefix(std::min(last.find_first_not_of(' '), last.size()));
    last = last.substr(0, last.find_last_not_of(' ') + 1);
    const auto named = ip::make_address(std::string(last), ec);
    if (!ec) address = named;
  }
  if (!address.is_v6()) return address.to_string();
  auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6).to_string();
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return ip::make_address_v6(bytes).to_string() + "/64";
}

}  // namespace catwalk::daemon
