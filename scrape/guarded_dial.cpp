#include "scrape/guarded_dial.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <memory>
#include <utility>
#include <vector>

namespace catwalk::scrape {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using std::chrono::milliseconds;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// A question to the resolver, which nobody waits for longer than they like: a name server that hangs holds
/// the answer back far beyond the time limit and cannot be interrupted.
struct name_question {
  name_question(const asio::any_io_executor& loop, milliseconds patience)
      : resolver(loop), answered(loop, patience) {}
  tcp::resolver resolver;
  asio::steady_timer answered;
  bool done = false;
  boost::system::error_code failed;
  std::vector<tcp::endpoint> found;
};

error unreachable(errc code, const std::string& where, std::string why) {
  return error{code, "cannot reach", where, std::move(why), ""};
}

asio::awaitable<result<std::vector<tcp::endpoint>>> addresses_of(asio::any_io_executor loop, std::string host,
                                                                 std::uint16_t port, milliseconds patience) {
  const auto question = std::make_shared<name_question>(loop, patience);
  question->resolver.async_resolve(
      host, std::to_string(port),
      [question](boost::system::error_code failed, const tcp::resolver::results_type& found) {
        question->done = true;
        question->failed = failed;
        for (const auto& one : found) question->found.push_back(one.endpoint());
        question->answered.cancel();
      });
  co_await question->answered.async_wait(as_result);
  if (!question->done) {
    question->resolver.cancel();
    co_return unreachable(errc::timeout, host, "its name server does not answer");
  }
  if (question->failed)
    co_return unreachable(errc::network, host, "its name has no address: " + question->failed.message());
  co_return std::move(question->found);
}

}  // namespace

asio::awaitable<result<tcp::socket>> guarded_dial(asio::any_io_executor loop, const address_guard& guard,
                                                  std::string host, std::uint16_t port,
                                                  milliseconds patience) {
  auto asking = addresses_of(loop, host, port, patience);
  auto found = co_await std::move(asking);
  if (found.has_error()) co_return found.error();
  for (const auto& one : *found) {
    if (const auto why = guard.check(one.address(), one.port()))
      co_return error{errc::refused_address, "refused", host, one.address().to_string() + " is " + *why, ""};
  }
  error last = unreachable(errc::network, host, "its name has no address");
  for (const auto& one : *found) {
    beast::tcp_stream stream(loop);
    stream.expires_after(patience);
    const auto [failed] = co_await stream.async_connect(one, as_result);
    if (!failed) co_return stream.release_socket();
    const errc code = failed == beast::error::timeout ? errc::timeout : errc::network;
    last = unreachable(code, host, endpoint_text(one.address(), one.port()) + ": " + failed.message());
  }
  co_return last;
}

}  // namespace catwalk::scrape
