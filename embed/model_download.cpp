#include "embed/model_download.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "core/clock.hpp"
#include "core/sha256.hpp"
#include "embed/download_retry.hpp"
#include "embed/mapped_file.hpp"

namespace catwalk::embed {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t max_model_bytes = 20'000'000'000;
/// A slow line may take hours; a dead one is noticed by the client.
constexpr std::chrono::milliseconds transfer_timeout = 12h;

const char* const offline_hint =
    "check the network and the proxy settings; on a machine without a network, bring the file along and use "
    "catwalk model import FILE, or try things out with catwalk model import --untrained";

error failure(errc code, const std::string& url, std::string why, std::string hint) {
  return {code, "cannot download model", url, std::move(why), std::move(hint)};
}

/// The file that grows, with the hash of what it holds.
class part_file {
 public:
  explicit part_file(fs::path path) : path_(std::move(path)) {}
  ~part_file() {
    if (fd_ >= 0) ::close(fd_);
  }
  part_file(const part_file&) = delete;
  part_file& operator=(const part_file&) = delete;

  /// Opens it and hashes what an earlier download left.
  result<void> open() {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd_ < 0) return io_failure();
    auto mapped = mapped_file::open(path_);
    if (!mapped) return mapped.error();
    hash_.update((*mapped)->bytes().data(), (*mapped)->bytes().size());
    size_ = (*mapped)->bytes().size();
    return {};
  }
  result<void> append(std::string_view piece) {
    for (auto rest = piece; !rest.empty();) {
      const auto n = ::write(fd_, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return io_failure();
      // Hashed as far as written, so that hash and file agree after an error too.
      hash_.update(rest.substr(0, static_cast<std::size_t>(n)));
      size_ += static_cast<std::uint64_t>(n);
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }
  result<void> start_over() {
    if (::ftruncate(fd_, 0) != 0) return io_failure();
    hash_ = sha256();
    size_ = 0;
    return {};
  }
  /// Ends it: the hash of all of it. Call once.
  std::string finish_hash() { return to_hex(hash_.finish()); }
  result<void> move_to(const fs::path& target) {
    if (::fsync(fd_) != 0 || ::rename(path_.c_str(), target.c_str()) != 0) return io_failure();
    return {};
  }
  std::uint64_t size() const noexcept { return size_; }

 private:
  error io_failure() const {
    const int code = errno;
    const bool full = code == ENOSPC || code == EDQUOT;
    return {full ? errc::disk_full : errc::io, "cannot write download", path_.string(), std::strerror(code),
            full ? "free some space on that disk and try again: the download goes on where it stopped"
                 : "check the folder's permissions"};
  }

  fs::path path_;
  int fd_ = -1;
  sha256 hash_;
  std::uint64_t size_ = 0;
};

class progress {
 public:
  explicit progress(std::function<void(std::uint64_t, std::uint64_t)> tell) : tell_(std::move(tell)) {}
  void at(std::uint64_t done, std::uint64_t total, bool last = false) {
    if (!tell_ || (!last && steady_now() < next_)) return;
    next_ = steady_now() + 100ms;
    tell_(done, total);
  }

 private:
  std::function<void(std::uint64_t, std::uint64_t)> tell_;
  steady_time next_{};
};

/// Asks for the size alone. It also shows within the connect timeout whether there is a network at all.
asio::awaitable<result<std::uint64_t>> ask_size(http_client& http, std::string url, http_headers headers,
                                                std::chrono::milliseconds timeout) {
  http_request request;
  request.method = "HEAD";
  request.url = url;
  request.headers = std::move(headers);
  request.headers.set("Accept-Encoding", "identity");  // bytes are counted
  request.timeout = timeout;
  auto answer = co_await http.fetch(std::move(request));
  if (!answer) {
    auto e = answer.error();
    if (e.code == errc::cancelled) co_return e;
    co_return failure(e.code, url, e.why.empty() ? e.to_string() : e.why, offline_hint);
  }
  std::uint64_t size = 0;
  const auto length = answer->headers.find("Content-Length");
  // A server that does not do HEAD is asked no more: the size is shown as unknown.
  if (answer->status / 100 == 2 && length)
    std::from_chars(length->data(), length->data() + length->size(), size);
  co_return size;
}

/// What to do after one GET.
enum class next_step { check, again, start_over };

bool is_temporary(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

/// One GET from where the file ends. An error here is final.
asio::awaitable<result<next_step>> fetch_rest(http_client& http, std::string url, http_headers headers,
                                              part_file& file, progress& shown, std::uint64_t total,
                                              error& broke) {
  std::optional<error> disk;
  http_request request;
  request.url = url;
  request.headers = std::move(headers);
  request.timeout = transfer_timeout;
  request.max_bytes = max_model_bytes;
  request.resume_from = file.size();
  const bool resumed = request.resume_from != 0;
  if (!resumed) request.headers.set("Accept-Encoding", "identity");  // the client does so itself for a range
  request.on_body = [&file, &shown, &disk, total](std::string_view piece) -> result<void> {
    auto written = file.append(piece);
    if (!written) disk = written.error();
    shown.at(file.size(), total);
    return written;
  };
  auto answer = co_await http.fetch(std::move(request));
  if (disk) co_return *disk;
  if (!answer) {
    const auto& e = answer.error();
    if (e.code != errc::network && e.code != errc::timeout) co_return e;
    broke = failure(e.code, url, e.why.empty() ? e.to_string() : e.why,
                    "run it again: it goes on where it stopped");
    co_return next_step::again;
  }
  // 200 to a Range request: the server sends from the start, which the client has not let in. 416: what is
  // here is not the start of what is there.
  if (resumed && (answer->status == 200 || answer->status == 416)) co_return next_step::start_over;
  if (answer->status == 200 || answer->status == 206) co_return next_step::check;
  auto refused =
      failure(errc::http_status, url, "the server answers " + std::to_string(answer->status),
              is_temporary(answer->status) ? "try again later" : "check the address, or use --url");
  refused.http_status = answer->status;
  if (!is_temporary(answer->status)) co_return refused;
  broke = std::move(refused);
  co_return next_step::again;
}

/// Git's name for a file: SHA-1 over a header and its content.
std::string git_blob_of(const fs::path& path) {
  const auto mapped = mapped_file::open(path);
  if (!mapped) return {};
  const auto bytes = (*mapped)->bytes();
  const auto header = "blob " + std::to_string(bytes.size());
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestInit_ex(hash.get(), EVP_sha1(), nullptr);
  EVP_DigestUpdate(hash.get(), header.c_str(), header.size() + 1);
  EVP_DigestUpdate(hash.get(), bytes.data(), bytes.size());
  EVP_DigestFinal_ex(hash.get(), digest.data(), &size);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += {digits[digest[i] >> 4U], digits[digest[i] & 15U]};
  }
  return text;
}

asio::awaitable<result<void>> download(http_client& http, wanted_file wanted, download_options options) {
  std::error_code failed;
  fs::create_directories(wanted.part.parent_path(), failed);
  if (failed)
    co_return error{errc::io, "cannot create models folder", wanted.part.parent_path().string(),
                    failed.message(),
                    "give the user that runs catwalk permission to write there, or set embed.models_dir"};
  part_file file(wanted.part);
  if (auto opened = file.open(); !opened) co_return opened.error();

  auto total = wanted.size;
  if (total == 0) {
    auto asking = ask_size(http, wanted.url, wanted.headers, options.connect_timeout);
    const auto size = co_await std::move(asking);
    if (!size) co_return size.error();
    total = *size;
  }
  progress shown(std::move(options.on_progress));
  download_retry retry(options.first_pause);
  asio::steady_timer pause(co_await asio::this_coro::executor);
  bool from_the_start = file.size() == 0;

  while (total == 0 || file.size() != total) {
    if (total != 0 && file.size() > total) {
      if (auto emptied = file.start_over(); !emptied) co_return emptied.error();
      from_the_start = true;
    }
    error broke;
    const auto before = file.size();
    auto fetching = fetch_rest(http, wanted.url, wanted.headers, file, shown, total, broke);
    const auto step = co_await std::move(fetching);
    if (!step) co_return step.error();
    if (*step == next_step::start_over) {
      if (auto emptied = file.start_over(); !emptied) co_return emptied.error();
      from_the_start = true;
      continue;
    }
    if (*step == next_step::check) break;
    const auto wait = retry.after_break(file.size() > before);
    if (!wait) co_return broke;
    pause.expires_after(*wait);
    boost::system::error_code stopped;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
    if (stopped)
      co_return failure(errc::cancelled, wanted.url, "interrupted",
                        "run it again: it goes on where it stopped");
  }
  shown.at(file.size(), total, true);

  const auto& promised = wanted.sha256.empty() ? wanted.git_blob : wanted.sha256;
  const auto found = wanted.sha256.empty() ? git_blob_of(wanted.part) : file.finish_hash();
  if (found != promised) {
    // Not to be resumed from: nobody knows which byte is wrong.
    fs::remove(wanted.part, failed);
    co_return failure(errc::malformed, wanted.url,
                      "what arrived (" + std::to_string(file.size()) + " bytes) hashes to " + found +
                          ", promised is " + promised,
                      from_the_start
                          ? "something between here and the server changes the file, or the server has "
                            "another one: try another network, or --url"
                          : "run it again: it starts over");
  }
  co_return file.move_to(wanted.target);
}

/// Cancellation comes back as a value.
asio::awaitable<result<void>> download_uncancelled(http_client& http, wanted_file file,
                                                   download_options options) {
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  auto work = download(http, std::move(file), std::move(options));
  auto outcome = co_await std::move(work);
  co_await asio::this_coro::throw_if_cancelled(throwing);
  co_return outcome;
}

}  // namespace

asio::awaitable<result<void>> download_file(http_client& http, wanted_file file, download_options options) {
  std::error_code ignored;
  // It was checked before it got its name.
  if (fs::exists(file.target, ignored)) co_return result<void>();
  auto work = download_uncancelled(http, std::move(file), std::move(options));
  co_return co_await std::move(work);
}

asio::awaitable<result<fs::path>> download_model(http_client& http, published_model model, fs::path dir,
                                                 download_options options) {
  // Another file of the same name is another download.
  const auto stem = "." + model.name + "-" + model.sha256.substr(0, 12);
  wanted_file file;
  file.url = model.url;
  file.target = dir / (stem + ".pt");
  file.part = dir / (stem + ".part");
  file.sha256 = model.sha256;
  const auto target = file.target;
  auto work = download_uncancelled(http, std::move(file), std::move(options));
  auto fetched = co_await std::move(work);
  if (!fetched) co_return fetched.error();
  co_return target;
}

}  // namespace catwalk::embed
