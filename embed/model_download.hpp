#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "core/error.hpp"
#include "core/http_client.hpp"
#include "embed/models.hpp"

namespace catwalk::embed {

struct download_options {
  /// Without an answer of the server within this time the download ends with an error.
  std::chrono::milliseconds connect_timeout{15'000};
  /// Before the first new attempt after a break; the following ones double.
  std::chrono::milliseconds first_pause{1'000};
  /// Bytes there and bytes in all (0: the server does not say), at most ten times a second and at the end. On
  /// the loop.
  std::function<void(std::uint64_t done, std::uint64_t total)> on_progress;
};

/// A file to fetch, and what it is to be when it is here.
struct wanted_file {
  std::string url;
  http_headers headers = {};  ///< for the address itself; credentials do not follow a redirect elsewhere
  std::filesystem::path target;
  std::filesystem::path part;  ///< where it grows
  std::uint64_t size = 0;      ///< bytes; 0: the server is asked
  /// The hashes that it is checked against, in lower-case hex; one of them is given.
  std::string sha256 = {};
  std::string git_blob = {};  ///< Git's name for it, see hub_file
};

/// Downloads `file`, unless it is there already. What arrived stays in its part: a break, also of the
/// process, is resumed from there by a Range request. Five breaks in a row without progress end it.
/// Loop-only. Errors: as of download_model().
boost::asio::awaitable<result<void>> download_file(http_client& http, wanted_file file,
                                                   download_options options);

/// Downloads `model` into `dir` and returns the file, whose SHA-256 is `model.sha256`. What arrived stays in
/// a `.part` file: a break, also of the process, is resumed from there by a Range request. Five breaks in a
/// row without progress end it. Loop-only. Errors: `network`, `timeout`, `http_status`, `malformed` (another
/// hash than promised), `disk_full`, `io`, `cancelled`.
boost::asio::awaitable<result<std::filesystem::path>> download_model(http_client& http, published_model model,
                                                                     std::filesystem::path dir,
                                                                     download_options options = {});

}  // namespace catwalk::embed
