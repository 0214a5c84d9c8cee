#include "embed/int8_operators.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/library.h>

#include <string>
#include <tuple>
#include <vector>

#include "embed/attention.hpp"
#include "embed/attention_kernel.hpp"
#include "embed/row_kernel.hpp"

namespace catwalk::embed {
namespace {

using bytes_and_scales = std::tuple<at::Tensor, at::Tensor>;

/// Rows that are worth a thread of their own.
constexpr std::int64_t grain = 32;

template <class T>
constexpr at::ScalarType type_of = std::is_same_v<T, float> ? at::kFloat : at::kBFloat16;

template <class T>
T* data(const at::Tensor& t) {
  return static_cast<T*>(t.data_ptr());
}

/// A thread's memory for one use, kept from batch to batch, aligned to 64 bytes. Each `Tag` has its own.
template <class Tag>
void* scratch(std::size_t size) {
  thread_local std::vector<std::byte> memory;
  if (memory.size() < size + 64) memory.resize(size + 64);
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  return reinterpret_cast<void*>((address + 63) / 64 * 64);
}

float* row_scratch(std::int64_t width) {
  struct tag {};
  return static_cast<float*>(scratch<tag>(static_cast<std::size_t>(width) * sizeof(float)));
}

void check_rows(const at::Tensor& rows, const char* name) {
  TORCH_CHECK(rows.is_contiguous() && rows.dim() >= 2 && rows.size(-1) % 16 == 0, "int8: ", name, " ",
              rows.sizes(), " is not contiguous rows of a multiple of 16");
  TORCH_CHECK(rows.scalar_type() == at::kFloat || rows.scalar_type() == at::kBFloat16, "int8: ", name, " is ",
              rows.scalar_type(), ", not fp32 or bf16");
}

void check_column(const at::Tensor& t, std::int64_t width, const char* name) {
  TORCH_CHECK(t.scalar_type() == at::kFloat && t.is_contiguous() && t.numel() == width, "int8: ", name, " ",
              t.sizes(), " is not ", width, " numbers in fp32");
}

void check_zero(std::int64_t zero) {
  TORCH_CHECK(zero >= 1 && zero <= 254, "int8: zero is ", zero, ", not 1 to 254");
}

std::int64_t rows_of(const at::Tensor& t) {
  return t.numel() / t.size(-1);
}

/// Runs `row(index, bytes, scratch) -> scale` for every row of a tensor of `shape`, in parallel.
template <class Row>
bytes_and_scales make_bytes(at::IntArrayRef shape, std::int64_t zero, const Row& row) {
  auto bytes = at::empty(shape, at::kByte);
  const auto width = shape.back();
  const auto rows = width == 0 ? 0 : bytes.numel() / width;
  auto scales = at::empty({rows}, at::kFloat);
  auto* out = data<std::uint8_t>(bytes);
  auto* scale = data<float>(scales);
  at::parallel_for(0, rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i)
      scale[i] = row(i, row_bytes{out + i * width, static_cast<int>(zero), row_scratch(width)});
  });
  return {std::move(bytes), std::move(scales)};
}

/// Calls `work` with the type of the rows' elements.
template <class Work>
auto by_type(const at::Tensor& rows, const Work& work) {
  return rows.scalar_type() == at::kFloat ? work(float{}) : work(std::uint16_t{});
}

/// An int8 layer's answer before scale and bias, row by row.
template <class T>
struct sums_view {
  const T* sums;
  const float* scales;
  const float* bias;
  std::int64_t width;

  sums_view(const at::Tensor& s, const at::Tensor& sc, const at::Tensor& b)
      : sums(data<T>(s)), scales(data<float>(sc)), bias(data<float>(b)), width(s.size(-1)) {}
  row_sums<T> row(std::int64_t i) const { return {sums + i * width, scales[i], bias}; }
};

void check_sums(const at::Tensor& sums, const at::Tensor& scales, const at::Tensor& bias) {
  check_rows(sums, "sums");
  check_column(scales, rows_of(sums), "scales");
  check_column(bias, sums.size(-1), "bias");
}

bytes_and_scales int8_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                           std::int64_t zero) {
  check_rows(x, "x");
  check_column(weight, x.size(-1), "weight");
  check_column(bias, x.size(-1), "bias");
  check_zero(zero);
  const auto width = x.size(-1);
  return by_type(x, [&](auto element) {
    using T = decltype(element);
    const auto norm = choose_row_kernels<T>().norm;
    return make_bytes(
        x.sizes(), zero,
        [&, w = data<float>(weight), b = data<float>(bias)](std::int64_t i, const row_bytes& to) {
          return norm(data<T>(x) + i * width, w, b, static_cast<float>(eps), static_cast<int>(width), to);
        });
  });
}

bytes_and_scales int8_add_norm(at::Tensor& x, const at::Tensor& sums, const at::Tensor& scales,
                               const at::Tensor& sums_bias, const at::Tensor& weight, const at::Tensor& bias,
                               double eps, std::int64_t zero) {
  check_rows(x, "x");
  check_sums(sums, scales, sums_bias);
  TORCH_CHECK(sums.numel() == x.numel() && sums.scalar_type() == x.scalar_type(), "int8: sums ", sums.sizes(),
              " do not belong to x ", x.sizes());
  check_column(weight, x.size(-1), "weight");
  check_column(bias, x.size(-1), "bias");
  check_zero(zero);
  const auto width = x.size(-1);
  return by_type(x, [&](auto element) {
    using T = decltype(element);
    const auto norm = choose_row_kernels<T>().add_norm;
    const sums_view<T> y(sums, scales, sums_bias);
    auto* rows = data<T>(x);
    return make_bytes(
        x.sizes(), zero,
        [&, w = data<float>(weight), b = data<float>(bias)](std::int64_t i, const row_bytes& to) {
          return norm(rows + i * width, y.row(i), w, b, static_cast<float>(eps), static_cast<int>(width), to);
        });
  });
}

at::Tensor& int8_add(at::Tensor& x, const at::Tensor& sums, const at::Tensor& scales,
                     const at::Tensor& bias) {
  check_rows(x, "x");
  check_sums(sums, scales, bias);
  TORCH_CHECK(sums.numel() == x.numel() && sums.scalar_type() == x.scalar_type(), "int8: sums ", sums.sizes(),
              " do not belong to x ", x.sizes());
  const auto width = x.size(-1);
  by_type(x, [&](auto element) {
    using T = decltype(element);
    const auto add = choose_row_kernels<T>().add;
    const sums_view<T> y(sums, scales, bias);
    auto* rows = data<T>(x);
    at::parallel_for(0, rows_of(x), grain, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = begin; i < end; ++i) add(rows + i * width, y.row(i), static_cast<int>(width));
    });
    return 0;
  });
  return x;
}

bytes_and_scales int8_activate(const at::Tensor& sums, const at::Tensor& scales, const at::Tensor& bias,
                               std::int64_t act, const at::Tensor& factor, const at::Tensor& offset,
                               std::int64_t zero) {
  check_sums(sums, scales, bias);
  check_column(factor, sums.size(-1), "factor");
  check_column(offset, sums.size(-1), "offset");
  check_zero(zero);
  return by_type(sums, [&](auto element) {
    using T = decltype(element);
    const auto activate = choose_row_kernels<T>().activate;
    const sums_view<T> y(sums, scales, bias);
    return make_bytes(
        sums.sizes(), zero,
        [&, f = data<float>(factor), o = data<float>(offset)](std::int64_t i, const row_bytes& to) {
          return activate(y.row(i), static_cast<activation>(act), f, o, static_cast<int>(y.width), to);
        });
  });
}

/// One picture's attention: its queries, keys and values with their scale and bias, then the heads.
template <class T>
class picture_attention {
 public:
  picture_attention(const sums_view<T>& q, std::int64_t queries, const sums_view<T>& kv, std::int64_t keys,
                    std::int64_t width, std::int64_t heads)
      : q_(q),
        kv_(kv),
        queries_(queries),
        keys_(keys),
        width_(width),
        heads_(heads),
        one_(q.sums == kv.sums) {}

  /// The attention of picture `b` as [queries, width], in this thread's memory.
  const T* operator()(std::int64_t b) const {
    struct tag {};
    const auto own = one_ ? 0 : queries_ * q_.width;
    auto* kv = static_cast<T*>(
        scratch<tag>(sizeof(T) * static_cast<std::size_t>(keys_ * kv_.width + own + queries_ * width_)));
    T* q = one_ ? kv : kv + keys_ * kv_.width;
    T* out = kv + keys_ * kv_.width + own;
    widen(kv_, b, keys_, kv);
    if (!one_) widen(q_, b, queries_, q);
    const T* k = kv + kv_.width - 2 * width_;
    if (!by_kernel(q, k, out)) by_torch(q, k, out);
    return out;
  }

 private:
  static void widen(const sums_view<T>& from, std::int64_t b, std::int64_t rows, T* to) {
    static const auto widen_row = choose_row_kernels<T>().widen;
    for (std::int64_t i = 0; i < rows; ++i)
      widen_row(from.row(b * rows + i), static_cast<int>(from.width), to + i * from.width);
  }

  bool by_kernel(const T* q, const T* k, T* out) const {
    static const auto kernel = choose_attention_kernel<T>();
    if (kernel == nullptr || width_ != heads_ * attention_depth) return false;
    struct tag {};
    auto* memory =
        static_cast<float*>(scratch<tag>(sizeof(float) * attention_scratch(static_cast<int>(keys_))));
    for (std::int64_t h = 0; h < heads_; ++h) {
      const auto at = h * attention_depth;
      kernel({q + at, q_.width, k + at, k + width_ + at, kv_.width, out + at, width_,
              static_cast<int>(queries_), static_cast<int>(keys_)},
             memory);
    }
    return true;
  }

  void by_torch(const T* q, const T* k, T* out) const {
    const auto heads_of = [&](const T* rows, std::int64_t count, std::int64_t stride) {
      return at::from_blob(const_cast<T*>(rows), {1, heads_, count, width_ / heads_},
                           {0, width_ / heads_, stride, 1}, at::TensorOptions(type_of<T>));
    };
    auto to = heads_of(out, queries_, width_);
    to.copy_(at::scaled_dot_product_attention(heads_of(q, queries_, q_.width), heads_of(k, keys_, kv_.width),
                                              heads_of(k + width_, keys_, kv_.width)));
  }

  sums_view<T> q_, kv_;
  std::int64_t queries_, keys_, width_, heads_;
  bool one_;  ///< q and kv are one tensor
};

bytes_and_scales int8_attention(const at::Tensor& q, const at::Tensor& q_scales, const at::Tensor& q_bias,
                                const at::Tensor& kv, const at::Tensor& kv_scales, const at::Tensor& kv_bias,
                                std::int64_t heads, std::int64_t zero) {
  check_sums(q, q_scales, q_bias);
  check_sums(kv, kv_scales, kv_bias);
  check_zero(zero);
  const bool one = q.data_ptr() == kv.data_ptr();
  TORCH_CHECK(q.dim() == 3 && kv.dim() == 3 && q.size(0) == kv.size(0) && q.scalar_type() == kv.scalar_type(),
              "int8: q ", q.sizes(), " and kv ", kv.sizes(), " do not belong together");
  const auto width = one ? q.size(2) / 3 : q.size(2);
  TORCH_CHECK(kv.size(2) == (one ? 3 : 2) * width && heads > 0 && width % heads == 0 && width % 16 == 0,
              "int8: q ", q.sizes(), " and kv ", kv.sizes(), " do not hold ", heads, " heads");
  const auto queries = q.size(1);
  auto bytes = at::empty({q.size(0), queries, width}, at::kByte);
  auto scales = at::empty({q.size(0) * queries}, at::kFloat);
  by_type(q, [&](auto element) {
    using T = decltype(element);
    const auto quantise = choose_row_kernels<T>().quantise;
    const picture_attention<T> attend({q, q_scales, q_bias}, queries, {kv, kv_scales, kv_bias}, kv.size(1),
                                      width, heads);
    at::parallel_for(0, q.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto b = begin; b < end; ++b) {
        const T* rows = attend(b);
        for (std::int64_t i = 0; i < queries; ++i) {
          const auto at = b * queries + i;
          const row_bytes to{data<std::uint8_t>(bytes) + at * width, static_cast<int>(zero),
                             row_scratch(width)};
          data<float>(scales)[at] = quantise(rows + i * width, static_cast<int>(width), to);
        }
      }
    });
    return 0;
  });
  return {std::move(bytes), std::move(scales)};
}

}  // namespace

void register_int8_operators() {
  static const auto library = [] {
    torch::Library made(torch::Library::FRAGMENT, "catwalk", std::nullopt, __FILE__, __LINE__);
    made.def("int8_norm(Tensor x, Tensor weight, Tensor bias, float eps, int zero) -> (Tensor, Tensor)");
    made.def(
        "int8_add_norm(Tensor(a!) x, Tensor sums, Tensor scales, Tensor sums_bias, Tensor weight, "
        "Tensor bias, float eps, int zero) -> (Tensor, Tensor)");
    made.def("int8_add(Tensor(a!) x, Tensor sums, Tensor scales, Tensor bias) -> Tensor(a!)");
    made.def(
        "int8_activate(Tensor sums, Tensor scales, Tensor bias, int act, Tensor factor, Tensor offset, "
        "int zero) -> (Tensor, Tensor)");
    made.def(
        "int8_attention(Tensor q, Tensor q_scales, Tensor q_bias, Tensor kv, Tensor kv_scales, "
        "Tensor kv_bias, int heads, int zero) -> (Tensor, Tensor)");
    constexpr auto cpu = c10::DispatchKey::CPU;
    made.impl("int8_norm", cpu, torch::CppFunction(TORCH_FN(int8_norm)));
    made.impl("int8_add_norm", cpu, torch::CppFunction(TORCH_FN(int8_add_norm)));
    made.impl("int8_add", cpu, torch::CppFunction(TORCH_FN(int8_add)));
    made.impl("int8_activate", cpu, torch::CppFunction(TORCH_FN(int8_activate)));
    made.impl("int8_attention", cpu, torch::CppFunction(TORCH_FN(int8_attention)));
    return made;
  }();
}

}  // namespace catwalk::embed
