#include "core/http_client.hpp"

#include <curl/curl.h>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <csignal>
#include <new>
#include <thread>
#include <unordered_map>
#include <utility>

#include "core/address_guard.hpp"
#include "core/http_transfer.hpp"

namespace catwalk {
namespace {

namespace asio = boost::asio;
using completion = void(result<http_response>);

// Once per process. OpenSSL writes to sockets without MSG_NOSIGNAL, so a peer that goes away must not kill
// us.
void initialise_curl() {
  static const bool done = [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::bad_alloc();
    struct sigaction present {};
    if (sigaction(SIGPIPE, nullptr, &present) == 0 && present.sa_handler == SIG_DFL)
      std::signal(SIGPIPE, SIG_IGN);
    return true;
  }();
  (void)done;
}

}  // namespace

// Drives one multi handle. libcurl says which sockets to watch and when to wake it; every event leads to one
// curl_multi_socket_action, after which finished transfers are collected. Nothing of ours calls into the
// multi handle from within its callbacks: cancellations are posted, completions too.
class http_client::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(asio::any_io_executor loop, http_client_options options)
      : loop_(loop),
        options_(std::move(options)),
        guard_(options_.guard_addresses, options_.permitted_endpoints),
        wake_(loop) {
    initialise_curl();
    multi_ = curl_multi_init();
    if (multi_ == nullptr) throw std::bad_alloc();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &impl::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &impl::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(options_.max_connections));
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS,
                      static_cast<long>(options_.max_connections_per_host));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options_.max_connections));
  }

  ~impl() { close(); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  const http_client_options& options() const noexcept { return options_; }

  static asio::awaitable<result<http_response>> fetch(std::shared_ptr<impl> self, http_request request) {
    // The request outlives the initiation in this frame; the operation takes it from here.
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, completion>(
        [&self, &request](auto handler) {
          const asio::any_io_executor executor = asio::get_associated_executor(handler, self->loop_);
          self->start(std::move(request), executor, std::move(handler));
        },
        asio::use_awaitable);
  }

  // Ends every transfer with `cancelled`. Idempotent.
  void close() {
    if (multi_ == nullptr) return;
    while (!operations_.empty()) {
      auto& op = *operations_.begin()->second;
      end(op, op.transfer.cancelled());
    }
    // Closes what is still connected, taking it off the watch list.
    curl_multi_cleanup(std::exchange(multi_, nullptr));
    for (auto& [socket, entry] : watched_) entry->release();
    watched_.clear();
    wake_.cancel();
  }

 private:
  // One fetch between its start and its completion.
  struct operation {
    operation(const impl& owner, std::uint64_t number, http_request request, asio::any_io_executor of_done,
              asio::any_completion_handler<completion> on_done)
        : id(number),
          transfer(owner.options_, owner.guard_, std::move(request)),
          deadline(owner.loop_),
          done(std::move(on_done)),
          executor(std::move(of_done)),
          work(executor) {}

    const std::uint64_t id;
    http_transfer transfer;
    asio::steady_timer deadline;
    asio::any_completion_handler<completion> done;
    asio::any_io_executor executor;
    asio::executor_work_guard<asio::any_io_executor>
        work;  // a transfer that waits in libcurl waits for nothing of Asio's
    bool added = false;
  };

  // A socket of libcurl's that is waited for. The descriptor stays libcurl's: it is released here, never
  // closed.
  struct watch {
    watch(const asio::any_io_executor& loop, curl_socket_t fd) : socket(fd), descriptor(loop, fd) {}
    void release() {
      wanted = 0;
      if (descriptor.is_open()) descriptor.release();
    }

    const curl_socket_t socket;
    asio::posix::stream_descriptor descriptor;
    int wanted = 0;  // CURL_POLL_IN | CURL_POLL_OUT; 0: libcurl has let go of it
    bool reading = false;
    bool writing = false;
  };

  void start(http_request request, asio::any_io_executor executor,
             asio::any_completion_handler<completion> handler) {
    if (thread_ == std::thread::id()) thread_ = std::this_thread::get_id();
    assert(thread_ == std::this_thread::get_id() && "http_client is used on the loop's thread alone");
    const std::uint64_t id = ++last_id_;
    auto& op = *operations_
                    .emplace(id, std::make_unique<operation>(*this, id, std::move(request),
                                                             std::move(executor), std::move(handler)))
                    .first->second;
    if (multi_ == nullptr) return end(op, op.transfer.cancelled());
    if (auto ready = op.transfer.start(); !ready) return end(op, std::move(ready).error());
    auto slot = asio::get_associated_cancellation_slot(op.done);
    if (slot.is_connected())
      slot.assign([weak = weak_from_this(), id](asio::cancellation_type) {
        // Posted, because the caller may be on_body, that is inside libcurl.
        const auto self = weak.lock();
        if (!self) return;
        asio::post(self->loop_, [weak, id] {
          if (const auto still = weak.lock()) still->cancel(id);
        });
      });
    op.deadline.expires_after(op.transfer.timeout());
    op.deadline.async_wait([weak = weak_from_this(), id](boost::system::error_code aborted) {
      if (const auto self = weak.lock(); self && !aborted) self->time_out(id);
    });
    add(op);
  }

  void add(operation& op) {
    curl_easy_setopt(op.transfer.easy(), CURLOPT_PRIVATE, &op);
    const CURLMcode code = curl_multi_add_handle(multi_, op.transfer.easy());
    op.added = code == CURLM_OK;
    if (!op.added)
      end(op, error{errc::internal, "cannot start a transfer", {}, curl_multi_strerror(code), {}});
  }

  void remove(operation& op) {
    if (std::exchange(op.added, false)) curl_multi_remove_handle(multi_, op.transfer.easy());
  }

  void cancel(std::uint64_t id) {
    if (const auto it = operations_.find(id); it != operations_.end())
      end(*it->second, it->second->transfer.cancelled());
  }

  void time_out(std::uint64_t id) {
    if (const auto it = operations_.find(id); it != operations_.end())
      end(*it->second, it->second->transfer.timed_out());
  }

  // Takes the operation out and posts its outcome to whoever awaits it.
  void end(operation& op, result<http_response> outcome) {
    const auto node = operations_.extract(op.id);
    remove(op);
    asio::get_associated_cancellation_slot(op.done).clear();
    asio::post(op.executor, [done = std::move(op.done), outcome = std::move(outcome)]() mutable {
      std::move(done)(std::move(outcome));
    });
  }

  // No exception may pass through libcurl; -1 makes it fail every transfer.
  template <class Act>
  static int guarded(Act act) noexcept {
    try {
      act();
      return 0;
    } catch (const std::exception&) {
      return -1;
    }
  }

  static int on_timer(CURLM*, long milliseconds, void* self) {
    return guarded([&] { static_cast<impl*>(self)->set_timer(milliseconds); });
  }

  void set_timer(long milliseconds) {
    if (milliseconds < 0) {
      wake_.cancel();
      return;
    }
    if (milliseconds == 0) {
      // At once, as for each new transfer: without the system's timer. Never from within libcurl's callback.
      wake_.cancel();
      asio::post(loop_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->act(CURL_SOCKET_TIMEOUT, 0);
      });
      return;
    }
    wake_.expires_after(std::chrono::milliseconds(milliseconds));
    wake_.async_wait([weak = weak_from_this()](boost::system::error_code aborted) {
      if (const auto self = weak.lock(); self && !aborted) self->act(CURL_SOCKET_TIMEOUT, 0);
    });
  }

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    return guarded([&] { static_cast<impl*>(self)->set_watch(socket, what); });
  }

  void set_watch(curl_socket_t socket, int what) {
    auto found = watched_.find(socket);
    if (what == CURL_POLL_REMOVE) {
      if (found == watched_.end()) return;
      found->second->release();
      watched_.erase(found);
      return;
    }
    if (found == watched_.end())
      found = watched_.emplace(socket, std::make_shared<watch>(loop_, socket)).first;
    found->second->wanted = what;
    wait(found->second);
  }

  // Starts the waits that are wanted and not under way. A wait that is wanted no more is left to end unheard.
  void wait(const std::shared_ptr<watch>& entry) {
    using descriptor = asio::posix::stream_descriptor;
    if ((entry->wanted & CURL_POLL_IN) != 0 && !std::exchange(entry->reading, true))
      entry->descriptor.async_wait(descriptor::wait_read,
                                   [weak = weak_from_this(), entry](boost::system::error_code failed) {
                                     entry->reading = false;
                                     if (const auto self = weak.lock())
                                       self->on_ready(entry, CURL_POLL_IN, CURL_CSELECT_IN, failed);
                                   });
    if ((entry->wanted & CURL_POLL_OUT) != 0 && !std::exchange(entry->writing, true))
      entry->descriptor.async_wait(descriptor::wait_write,
                                   [weak = weak_from_this(), entry](boost::system::error_code failed) {
                                     entry->writing = false;
                                     if (const auto self = weak.lock())
                                       self->on_ready(entry, CURL_POLL_OUT, CURL_CSELECT_OUT, failed);
                                   });
  }

  void on_ready(const std::shared_ptr<watch>& entry, int direction, int event,
                boost::system::error_code failed) {
    if (failed == asio::error::operation_aborted || (entry->wanted & direction) == 0) return;
    act(entry->socket, failed ? CURL_CSELECT_ERR : event);
    wait(entry);
  }

  void act(curl_socket_t socket, int events) {
    if (multi_ == nullptr) return;
    int running = 0;
    curl_multi_socket_action(multi_, socket, events, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      operation* op = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &op);
      remove(*op);  // ends the message's life too
      if (auto outcome = op->transfer.finish(code))
        end(*op, std::move(*outcome));
      else
        add(*op);
    }
  }

  asio::any_io_executor loop_;
  http_client_options options_;
  address_guard guard_;
  CURLM* multi_ = nullptr;
  asio::steady_timer wake_;
  std::thread::id thread_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<operation>> operations_;
  std::unordered_map<curl_socket_t, std::shared_ptr<watch>> watched_;
};

http_client::http_client(asio::any_io_executor loop, http_client_options options)
    : impl_(std::make_shared<impl>(std::move(loop), std::move(options))) {}

http_client::~http_client() {
  impl_->close();
}

asio::awaitable<result<http_response>> http_client::fetch(http_request request) {
  return impl::fetch(impl_, std::move(request));
}

const http_client_options& http_client::options() const noexcept {
  return impl_->options();
}

}  // namespace catwalk
