#pragma once
#include <boost/assert/source_location.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <exception>
#include <string>
#include <string_view>

namespace catwalk {

/// Every way in which an operation of catwalk's can fail. Callers decide on these; people read
/// `error::to_string`.
enum class errc {
  cancelled = 1,       ///< the caller went away or the process is shutting down; never shown as a failure
  timeout,             ///< a named time limit ran out
  network,             ///< no connection, name resolution, TLS, reset, truncated answer
  refused_address,     ///< the address guard refused the address that was about to be dialled
  too_many_redirects,  ///< more than the permitted hops, or a redirect to another scheme
  too_large,           ///< a cap on bytes, pixels, depth or count was reached
  http_status,         ///< the server answered with a status that is not success
  blocked,             ///< the shop answered with a block or challenge page
  robots,              ///< robots.txt forbids the address
  malformed,           ///< a document (JSON, HTML, XML, safetensors, vocabulary …) that does not parse
  invalid_expression,  ///< a JMESPath, CSS, cron or regular expression that does not parse
  not_an_image,        ///< the bytes are something else (HTML, SVG, video, empty)
  broken_image,        ///< a known image format that is damaged or breaks off
  unsupported_image,   ///< a known image format that catwalk does not decode
  model_missing,       ///< the model is not in the models folder
  model_invalid,       ///< the model's files are damaged or of another architecture
  model_mismatch,      ///< the model's width or space differs from what the sink holds
  device,              ///< the compute device is missing or failed
  remote_encoder,      ///< the remote embedding service failed
  state_locked,        ///< another process holds the state folder
  state_damaged,       ///< the state database fails its integrity checks
  state_newer,         ///< the state database was written by a newer catwalk
  disk_full,           ///< no space left, or below state.min_free
  io,                  ///< any other file system error
  database,            ///< any other database error
  sink_unavailable,    ///< the sink does not answer or is overloaded: try again
  sink_unauthorized,   ///< the sink refuses the key: park
  sink_schema,         ///< the sink's table is not what catwalk needs: park
  sink_rejected,       ///< the sink refuses this row
  queue_full,          ///< a bounded queue has no room and the caller does not wait
  invalid_argument,    ///< wrong usage
  invalid_config,      ///< wrong configuration
  not_found,           ///< the named thing does not exist
  internal,            ///< a bug in catwalk
};

/// The category of `errc`; `message()` gives the words, `name()` is "catwalk".
const boost::system::error_category& error_category() noexcept;

inline boost::system::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), error_category()};
}

/// The name of a code as it stands in JSON and metrics, for example "broken_image".
std::string_view name_of(errc code) noexcept;

/// What failed, on what, why, and what to do. `what`, `on`, `why` and `hint` never hold a secret.
struct error {
  errc code = errc::internal;
  std::string what;  ///< what catwalk was doing: "cannot decode image"
  std::string on;    ///< on what: an address, a file, a row's key; may be empty
  std::string why;   ///< the cause, in the words of whoever knows: "premature end of JPEG file"; may be empty
  std::string hint;  ///< what the user can do about it; may be empty
  int http_status =
      0;  ///< the status behind `errc::http_status`, `blocked` and the sink's codes; 0 where none

  /// One line: "what: on: why (hint)", leaving out what is empty.
  std::string to_string() const;
};

/// Thrown at start-up and for programming errors alone; `main` prints it and exits.
class exception : public std::exception {
 public:
  explicit exception(error e) : error_(std::move(e)), text_(error_.to_string()) {}
  const char* what() const noexcept override { return text_.c_str(); }
  const error& value() const noexcept { return error_; }

 private:
  error error_;
  std::string text_;
};

[[noreturn]] void throw_exception_from_error(const error& e, const boost::source_location& where);

template <class T>
using result = boost::system::result<T, error>;

}  // namespace catwalk

template <>
struct boost::system::is_error_code_enum<catwalk::errc> : std::true_type {};
