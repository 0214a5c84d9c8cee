#include "embed/worker_pool.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "core/bounded_queue.hpp"
#include "core/thrown.hpp"
#include "embed/byte_budget.hpp"
#include "embed/image.hpp"
#include "embed/model_folder.hpp"
#include "embed/pool_plan.hpp"
#include "embed/prepared_queue.hpp"
#include "embed/preprocess.hpp"
#include "embed/vision_module.hpp"

namespace catwalk::embed {
namespace {

namespace asio = boost::asio;

/// What the threads of bulk work add to their niceness: a query has most of a core at once, the loop answers,
/// and other programs of the machine go first. With more than this a busy neighbour would all but stop them.
constexpr int bulk_niceness = 5;

class worker_pool final : public image_encoder {
 public:
  worker_pool(asio::any_io_executor loop, model_folder folder, compute_device on, vision_module module,
              const thread_plan& plan, const pool_options& options)
      : loop_(std::move(loop)),
        info_(folder.stored.info),
        made_{on.precision_name, "exact", on.device_name, info_.untrained},
        fast_(options.decode == "fast"),
        on_(std::move(on)),
        module_(std::move(module)),
        limits_{options.max_pixels, options.decode_memory},
        query_timeout_(options.query_timeout),
        plan_(plan),
        decoder_count_(
            options.threads.value_or(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())))),
        bulk_({options.queue_items, options.queue_bytes}),
        queries_({options.queue_items, options.queue_bytes}),
        decoding_(options.decode_memory),
        prepared_({static_cast<std::size_t>(plan_.batch), options.batch_wait},
                  static_cast<std::size_t>(plan_.batch) * static_cast<std::size_t>(plan_.workers + 1)) {
    spec_ = folder.tower.preprocessing();
  }

  ~worker_pool() override { close(); }

  /// Runs one forward pass, so that what torch or the device cannot do is known before any image is accepted.
  /// Its answer is waited for, since a GPU says only then what went wrong.
  void start() {
    const c10::InferenceMode inference;
    module_
        .forward(at::zeros({1, 3, spec_.size, spec_.size}, at::TensorOptions(at::kByte).device(on_.device)))
        .to(at::kCPU);
    for (int i = 0; i < decoder_count_; ++i)
      start_thread(decoders_, "embed-decode", [this] {
        yield_to_queries();
        decode_bulk();
      });
    for (int i = 0; i < plan_.workers; ++i)
      start_thread(workers_, "embed-forward", [this] {
        yield_to_queries();
        forward_batches([this] { return prepared_.pop(); });
      });
    // People have a decoder and a worker of their own: they are idle when they need them.
    start_thread(decoders_, "embed-query", [this] { decode_queries(); });
    start_thread(workers_, "embed-answer",
                 [this] { forward_batches([this] { return prepared_.pop_queries(); }); });
  }

  asio::awaitable<result<embedding>> encode(std::string bytes, std::string name, lane who) override {
    return encode_view(std::move(bytes), std::move(name), who, {});
  }
  asio::awaitable<result<embedding>> encode_view(std::string bytes, std::string name, lane who,
                                                 picture_view view) override;

  const model_info& model() const noexcept override { return info_; }

  encoder_stats stats() const noexcept override {
    encoder_stats s;
    s.images_done = done_;
    s.images_failed = failed_;
    s.batches = batches_;
    s.queue_items = bulk_.size() + queries_.size();
    s.queue_bytes = bulk_.bytes() + queries_.bytes();
    s.unanswered = unanswered_;
    s.forward_seconds = static_cast<double>(forward_ns_) * 1e-9;
    return s;
  }

  void close() override {
    bulk_.close();
    queries_.close();
    for (auto& t : decoders_) t.join();
    decoders_.clear();
    prepared_.close();
    for (auto& t : workers_) t.join();
    workers_.clear();
  }

 private:
  using queue = bounded_queue<request_ptr>;

  static void start_thread(std::vector<std::thread>& threads, const char* name, std::function<void()> work) {
    threads.emplace_back([name, work = std::move(work)] {
      ::pthread_setname_np(::pthread_self(), name);
      work();
    });
  }

  /// Lowers the priority of the calling thread, and of those that torch starts for it. Where it is at its
  /// lowest it stays so.
  static void yield_to_queries() noexcept {
    ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + bulk_niceness);
  }

  queue& queue_of(lane who) noexcept { return who == lane::bulk ? bulk_ : queries_; }
  asio::awaitable<bool> sleep(std::shared_ptr<embed_reply> reply);
  asio::awaitable<std::optional<error>> enqueue(request_ptr request);

  void decode_bulk();
  void decode_queries();
  result<void> prepare(embed_request& request);
  void hand_over(request_ptr request, const result<void>& prepared);

  void forward_batches(const std::function<std::optional<prepared_queue::batch>()>& next);
  void run(std::vector<request_ptr> requests, at::Tensor& input);
  void answer(std::vector<std::pair<request_ptr, result<embedding>>> answers);

  asio::any_io_executor loop_;
  model_info info_;
  provenance made_;
  bool fast_;
  compute_device on_;
  vision_module module_;
  preprocess_spec spec_;
  decode_limits limits_;
  std::chrono::milliseconds query_timeout_;
  thread_plan plan_;
  int decoder_count_;

  queue bulk_, queries_;
  byte_budget decoding_;
  prepared_queue prepared_;
  std::atomic<std::uint64_t> next_id_{0}, done_{0}, failed_{0}, batches_{0};
  std::atomic<std::size_t> unanswered_{0};
  std::atomic<std::int64_t> forward_ns_{0};
  std::vector<std::thread> decoders_, workers_;
};

error image_error(errc code, const std::string& name, std::string why, std::string hint = {}) {
  return {code, "cannot embed image", name, std::move(why), std::move(hint)};
}

/// Sleeps until the reply is woken; false when the coroutine was cancelled first.
asio::awaitable<bool> worker_pool::sleep(std::shared_ptr<embed_reply> reply) {
  while (!reply->ready) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return false;
    // The timer is cancelled to wake us and by cancellation; which one it was shows above.
    boost::system::error_code ignored;
    co_await reply->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return true;
}

/// Gets the request into its queue, or says why not.
asio::awaitable<std::optional<error>> worker_pool::enqueue(request_ptr request) {
  auto& line = queue_of(request->who);
  const auto bytes = request->bytes.size();
  const auto kind = request->who == lane::bulk ? queue::lane::bulk : queue::lane::interactive;
  while (true) {
    auto copy = request;
    if (line.try_push(copy, bytes, kind)) co_return std::nullopt;
    if (line.closed()) co_return image_error(errc::cancelled, request->name, "the encoder is shutting down");
    if (request->who == lane::interactive)
      co_return image_error(errc::queue_full, request->name, "too many queries are waiting already",
                            "try again in a moment");
    auto room = std::make_shared<embed_reply>(loop_);
    line.notify_when_room(bytes, [loop = loop_, weak = std::weak_ptr(room)] {
      asio::post(loop, [weak] {
        if (const auto waiting = weak.lock()) waiting->wake();
      });
    });
    auto sleeping = sleep(room);
    if (!co_await std::move(sleeping))
      co_return image_error(errc::cancelled, request->name, "the caller went away");
  }
}

asio::awaitable<result<embedding>> worker_pool::encode_view(std::string bytes, std::string name, lane who,
                                                            picture_view view) {
  const bool throwing = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  auto request = std::make_shared<embed_request>();
  request->id = ++next_id_;
  request->bytes = std::move(bytes);
  request->name = std::move(name);
  request->who = who;
  request->view = view;
  if (who == lane::interactive) request->expires = steady_now() + query_timeout_;
  auto reply = std::make_shared<embed_reply>(loop_);
  request->reply = reply;

  std::optional<result<embedding>> outcome;
  ++unanswered_;
  auto entering = enqueue(request);
  if (auto refused = co_await std::move(entering)) {
    outcome.emplace(std::move(*refused));
  } else {
    auto sleeping = sleep(reply);
    if (co_await std::move(sleeping)) {
      outcome = std::move(reply->answer);
    } else {
      // A decoder may hold the request now: the flag keeps it from coming back.
      request->cancelled = true;
      prepared_.cancel(request->id);
      outcome.emplace(image_error(errc::cancelled, request->name, "the caller went away"));
    }
  }
  --unanswered_;
  co_await asio::this_coro::throw_if_cancelled(throwing);
  co_return std::move(*outcome);
}

void worker_pool::decode_bulk() {
  while (auto request = bulk_.pop()) {
    if ((*request)->cancelled) continue;
    auto prepared = [&]() -> result<void> {
      const auto header = read_image_header((*request)->bytes, (*request)->name, limits_);
      if (!header) return header.error();
      const byte_budget::claim memory(decoding_, header->decode_bytes);
      return prepare(**request);
    }();
    hand_over(std::move(*request), prepared);
  }
}

void worker_pool::decode_queries() {
  // One picture at a time, beside the budget: a query does not wait for the memory of bulk.
  while (auto request = queries_.pop()) {
    if ((*request)->cancelled) continue;
    const auto prepared = prepare(**request);
    hand_over(std::move(*request), prepared);
  }
}

result<void> worker_pool::prepare(embed_request& request) {
  try {
    const bool may_scale = fast_ && request.view.whole();
    row_preprocessor by_rows(spec_);
    auto image = decode_image_for(may_scale ? spec_.size : 0, request.bytes, request.name, limits_,
                                  request.view.whole() ? &by_rows : nullptr);
    if (!image) return image.error();
    request.scaled = image->scale.has_value();
    if (!request.view.whole()) {
      image = seen(std::move(*image), request.bytes, request.view, request.name);
      if (!image) return image.error();
    }
    std::string().swap(request.bytes);
    request.pixels.resize(spec_.input_bytes());
    if (image->pixels) return preprocess_into(*image, spec_, request.pixels.data());
    by_rows.finish(request.pixels.data());
    return {};
  } catch (const std::exception& e) {
    return with_cause(image_error(errc::device, request.name, "", ""), e);
  }
}

void worker_pool::hand_over(request_ptr request, const result<void>& prepared) {
  if (prepared) return prepared_.push(std::move(request));
  ++failed_;
  std::vector<std::pair<request_ptr, result<embedding>>> answers;
  answers.emplace_back(std::move(request), prepared.error());
  answer(std::move(answers));
}

void worker_pool::forward_batches(const std::function<std::optional<prepared_queue::batch>()>& next) {
  at::set_num_threads(plan_.intra_op);
  const c10::InferenceMode inference;
  const own_stream stream(on_);
  auto input = at::empty({plan_.batch, 3, spec_.size, spec_.size},
                         at::TensorOptions(at::kByte).pinned_memory(on_.device.is_cuda()));
  while (auto batch = next()) {
    if (!batch->expired.empty()) {
      std::vector<std::pair<request_ptr, result<embedding>>> answers;
      for (auto& request : batch->expired) {
        auto late =
            image_error(errc::timeout, request->name, "it waited too long for its turn", "try again later");
        answers.emplace_back(std::move(request), std::move(late));
      }
      failed_ += answers.size();
      answer(std::move(answers));
    }
    if (!batch->run.empty()) run(std::move(batch->run), input);
  }
}

void worker_pool::run(std::vector<request_ptr> requests, at::Tensor& input) {
  std::vector<std::pair<request_ptr, result<embedding>>> answers;
  const auto count = static_cast<std::int64_t>(requests.size());
  const auto begun = steady_now();
  at::Tensor vectors;
  std::optional<error> failure;
  try {
    auto* slot = input.data_ptr<std::uint8_t>();
    for (const auto& request : requests) {
      std::memcpy(slot, request->pixels.data(), request->pixels.size());
      slot += request->pixels.size();
    }
    auto pixels = input.narrow(0, 0, count);
    if (on_.device.is_cuda()) pixels = pixels.to(on_.device, at::kByte, true);
    vectors = module_.forward(pixels).to(at::kCPU).contiguous();
  } catch (const std::exception& e) {
    failure = with_cause(image_error(errc::device, "", "the forward pass failed", ""), e);
  }
  forward_ns_ += std::chrono::duration_cast<std::chrono::nanoseconds>(steady_now() - begun).count();
  ++batches_;

  const float* row = failure ? nullptr : vectors.const_data_ptr<float>();
  for (auto& request : requests) {
    if (failure) {
      ++failed_;
      auto broken = *failure;
      broken.on = request->name;
      answers.emplace_back(std::move(request), std::move(broken));
      continue;
    }
    embedding e{{row, row + info_.dim}, info_.fingerprint, info_.name, made_};
    row += info_.dim;
    if (request->scaled) e.made.decode = "fast";
    if (std::all_of(e.values.begin(), e.values.end(), [](float v) { return std::isfinite(v); })) {
      ++done_;
      answers.emplace_back(std::move(request), std::move(e));
    } else {
      ++failed_;
      auto broken =
          image_error(errc::device, request->name, "the forward pass gave numbers that are not finite",
                      "try embed.precision: fp32, and catwalk model verify");
      answers.emplace_back(std::move(request), std::move(broken));
    }
  }
  answer(std::move(answers));
}

void worker_pool::answer(std::vector<std::pair<request_ptr, result<embedding>>> answers) {
  asio::post(loop_, [answers = std::move(answers)]() mutable {
    for (auto& [request, outcome] : answers)
      if (const auto reply = request->reply.lock()) {
        reply->answer.emplace(std::move(outcome));
        reply->wake();
      }
  });
}

error option_error(std::string on, std::string why, std::string hint) {
  return {errc::invalid_config, "cannot start the encoder", std::move(on), std::move(why), std::move(hint)};
}

}  // namespace

result<std::unique_ptr<image_encoder>> make_worker_pool(asio::any_io_executor loop, const stored_model& model,
                                                        const pool_options& options) {
  if (options.batch && (*options.batch < 1 || *options.batch > 4096))
    return option_error("embed.batch: " + std::to_string(*options.batch), "it is not between 1 and 4096",
                        "use 32");
  if (options.threads && (*options.threads < 1 || *options.threads > 1024))
    return option_error("embed.threads: " + std::to_string(*options.threads), "it is not between 1 and 1024",
                        "use auto");
  if (options.queue_items < 1)
    return option_error("embed.queue.items: 0", "nothing could be embedded", "use 256");
  if (options.decode != "exact" && options.decode != "fast")
    return option_error("embed.decode: " + options.decode, "there is no such way to decode",
                        "use exact or fast");
  auto folder = open_model_folder(model);
  if (!folder) return folder.error();
  auto on = pool_device(*folder, options);
  if (!on) return on.error();
  auto module = vision_module::load(*folder, *on);
  if (!module) return module.error();

  std::unique_ptr<worker_pool> pool;
  try {
    const auto plan = measured_plan_for(*module, *folder, *on, options,
                                        options.measure ? measuring::if_needed : measuring::never);
    pool = std::make_unique<worker_pool>(std::move(loop), std::move(*folder), std::move(*on),
                                         std::move(*module), plan, options);
    pool->start();
  } catch (const std::exception& e) {
    return with_cause({errc::device, "cannot start the encoder", model.info.name, "",
                       "try embed.device: cpu and embed.precision: fp32"},
                      e);
  }
  return std::unique_ptr<image_encoder>(std::move(pool));
}

}  // namespace catwalk::embed
