#pragma once
#include <string>
#include <string_view>

#include "core/url.hpp"

namespace catwalk {

/// Whether `no_proxy` exempts a host: entries divided by commas or blanks, each a name (matching itself and
/// what lies under it, with or without a leading dot), an address, a network in CIDR form, or "*". A port
/// after an entry restricts it to that port.
bool exempt_from_proxy(std::string_view no_proxy, const url& target);

}  // namespace catwalk
