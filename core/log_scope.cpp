#include "core/log_scope.hpp"

#include <boost/asio/execution.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

namespace catwalk {

namespace asio = boost::asio;

namespace {

thread_local std::shared_ptr<const log_scope> scope_in_effect;

/// An executor as Asio's standard wants one: what it does not do itself it hands on to the one it wraps.
class scoped_executor {
 public:
  scoped_executor(asio::any_io_executor inner, std::shared_ptr<const log_scope> scope) noexcept
      : inner_(std::move(inner)), scope_(std::move(scope)) {}

  template <class Property>
  requires asio::can_require<const asio::any_io_executor&, Property>::value scoped_executor
  require(const Property& property)
  const { return {asio::require(inner_, property), scope_}; }
  template <class Property>
  requires asio::can_prefer<const asio::any_io_executor&, Property>::value scoped_executor
  prefer(const Property& property)
  const { return {asio::prefer(inner_, property), scope_}; }
  template <class Property>
  requires asio::can_query<const asio::any_io_executor&, Property>::value decltype(auto) query(
      const Property& property) const {
    return asio::query(inner_, property);
  }

  template <class Function>
  void execute(Function function) const {
    inner_.execute([scope = scope_, work = std::move(function)]() mutable {
      const log_scope_guard here(std::move(scope));
      std::move(work)();
    });
  }

  bool operator==(const scoped_executor& other) const noexcept {
    return inner_ == other.inner_ && scope_ == other.scope_;
  }
  bool operator!=(const scoped_executor& other) const noexcept { return !(*this == other); }

 private:
  asio::any_io_executor inner_;
  std::shared_ptr<const log_scope> scope_;
};

}  // namespace

std::shared_ptr<const log_scope> current_log_scope() noexcept {
  return scope_in_effect;
}

log_scope_guard::log_scope_guard(log_scope scope)
    : log_scope_guard(std::make_shared<const log_scope>(std::move(scope))) {}

log_scope_guard::log_scope_guard(std::shared_ptr<const log_scope> scope) noexcept
    : before_(std::exchange(scope_in_effect, std::move(scope))) {}

log_scope_guard::~log_scope_guard() {
  scope_in_effect = std::move(before_);
}

asio::any_io_executor with_log_scope(asio::any_io_executor inner, std::shared_ptr<const log_scope> scope) {
  return scoped_executor(std::move(inner), std::move(scope));
}

}  // namespace catwalk
