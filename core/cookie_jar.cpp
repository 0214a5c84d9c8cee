#include "core/cookie_jar.hpp"

#include <memory>
#include <new>

#include "core/http_client.hpp"

namespace catwalk {

cookie_jar::cookie_jar() : share_(curl_share_init()) {
  if (share_ == nullptr) throw std::bad_alloc();
  // No lock functions: everything that touches the jar runs on the loop.
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
}

cookie_jar::~cookie_jar() {
  curl_share_cleanup(share_);
}

std::shared_ptr<cookie_jar> make_cookie_jar() {
  return std::make_shared<cookie_jar>();
}

}  // namespace catwalk
