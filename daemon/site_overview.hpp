#pragma once
#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "daemon/application.hpp"

namespace catwalk::daemon {

/// How a site is, in one word: what someone does with it comes before what is wrong with it.
std::string_view site_state(const application& app, const std::string& site);

/// The API's `Site` for every site of sites.yaml and every other one that the catalogue knows, by name.
boost::asio::awaitable<result<std::vector<nlohmann::json>>> site_overview(application& app);

/// The site of that name in sites.yaml, without case; nullptr: there is none.
const config::site* find_site(const application& app, const std::string& name);

}  // namespace catwalk::daemon
