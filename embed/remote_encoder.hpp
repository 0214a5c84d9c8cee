#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "embed/encoder.hpp"
#include "embed/remote_retry.hpp"

namespace catwalk::embed {

struct remote_options {
  std::string url;  ///< http or https; the operator's choice, so the address guard does not apply
  std::string token;
  std::chrono::milliseconds timeout{60'000};  ///< for one request
  int concurrency = 2;                        ///< requests in flight
  std::size_t waiting_queries = 64;           ///< people who wait beyond these are refused
  std::string model = "clip-vit-b-32";        ///< as the service is said to run; part of the fingerprint
  int dim = 0;                                ///< width of its vectors; 0: that of the first answer
  bool normalise = true;                      ///< vectors are brought to length 1
  std::string http_proxy, https_proxy, no_proxy;
  remote_retry::settings retry;
};

/// The predecessor's remote service, or another catwalk's `/embed`, with an HTTP client and limits of its
/// own. Vectors have the fingerprint `remote:URL#MODEL`.
///
/// A picture that has an address is asked for by that, as the contract says; where the service cannot get it
/// (4xx), or the picture has none or is turned or cropped, its bytes are sent. People's questions go ahead of
/// the catalogue's. `cpu`: where the bytes of a picture are written into a request. Construct on the loop.
std::unique_ptr<image_encoder> make_remote_encoder(boost::asio::any_io_executor loop,
                                                   boost::asio::any_io_executor cpu, remote_options options);

/// Asks `first`, and `second` for a picture for which `first` itself failed (not the picture); after some
/// failures in a row `first` is spared for a minute, which `on_spared` is told with the last failure. Its
/// model is that of `first`; each vector says which one made it.
std::unique_ptr<image_encoder> make_fallback_encoder(std::unique_ptr<image_encoder> first,
                                                     std::unique_ptr<image_encoder> second,
                                                     std::function<void(const error&)> on_spared = {},
                                                     fallback_policy::settings settings = {});

}  // namespace catwalk::embed
