#pragma once
#include <curl/curl.h>

namespace catwalk {

/// The cookies of one run: libcurl's cookie engine (domains, paths, expiry, the public suffix list), shared
/// by the requests that name the jar. Loop-only. A jar must outlive the transfers that use it, which hold it
/// by shared_ptr.
class cookie_jar {
 public:
  cookie_jar();
  ~cookie_jar();
  cookie_jar(const cookie_jar&) = delete;
  cookie_jar& operator=(const cookie_jar&) = delete;

  CURLSH* handle() const noexcept { return share_; }

 private:
  CURLSH* share_;
};

}  // namespace catwalk
