#include "embed/packed_linear.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "embed/plain_activation.hpp"
#include "embed/row_kernel.hpp"

// MKL's, which libtorch is linked with and exports; its headers are not part of libtorch. Weak: a build of
// libtorch without MKL lacks them.
extern "C" {
[[gnu::weak]] std::size_t cblas_sgemm_pack_get_size(int identifier, int m, int n, int k);
[[gnu::weak]] void cblas_sgemm_pack(int layout, int identifier, int trans, int m, int n, int k, float alpha,
                                    const float* src, int ld, float* dest);
[[gnu::weak]] void cblas_sgemm_compute(int layout, int transa, int transb, int m, int n, int k,
                                       const float* a, int lda, const float* b, int ldb, float beta, float* c,
                                       int ldc);
}

namespace catwalk::embed {
namespace {

constexpr int row_major = 101, not_transposed = 111, transposed = 112, packed = 151, matrix_b = 162;
/// MKL packs for a number of rows, which here varies; it is a hint, and check_packed sees that it is no more.
constexpr int typical_rows = 1600;
/// Numbers of a layer's answer that stay in the cache until its activation has gone over them.
constexpr std::int64_t block_numbers = 384 * 1024;
/// Rows that are worth a thread of their own.
constexpr std::int64_t grain = 32;

/// c [rows, out] = a [rows, in] weight^T + beta c.
void multiply(const float* a, std::int64_t rows, std::int64_t in, const at::Tensor& weight, float beta,
              float* c) {
  const auto out = static_cast<int>(weight.size(0)), k = static_cast<int>(in);
  cblas_sgemm_compute(row_major, not_transposed, packed, static_cast<int>(rows), out, k, a, k,
                      weight.const_data_ptr<float>(), k, beta, c, out);
}

at::Tensor pack(const at::Tensor& weight) {
  const auto out = weight.size(0), in = weight.size(1);
  const auto n = static_cast<int>(out), k = static_cast<int>(in);
  const auto bytes = cblas_sgemm_pack_get_size(matrix_b, typical_rows, n, k);
  const auto numbers = static_cast<std::int64_t>((bytes + sizeof(float) - 1) / sizeof(float));
  auto made = at::empty({out, std::max((numbers + out - 1) / out, in + 1)}, weight.options());
  cblas_sgemm_pack(row_major, matrix_b, transposed, typical_rows, n, k, 1, weight.const_data_ptr<float>(), k,
                   made.mutable_data_ptr<float>());
  return made;
}

/// Whether the packed weight gives what the plain one does, for few and many rows.
bool check_packed(const at::Tensor& weight, const at::Tensor& made) {
  for (const std::int64_t rows : {1, 7, 50, 250}) {
    const auto x =
        at::linspace(-1, 1, rows * weight.size(1), weight.options()).view({rows, weight.size(1)}).sin();
    auto y = at::empty({rows, weight.size(0)}, weight.options());
    multiply(x.const_data_ptr<float>(), rows, x.size(1), made, 0, y.mutable_data_ptr<float>());
    const auto expected = at::linear(x, weight);
    const auto off = (y - expected).norm().item<float>();
    if (!(off <= 1e-4F * expected.norm().item<float>())) return false;
  }
  return true;
}

std::int64_t rows_of(const at::Tensor& t) {
  return t.size(-1) == 0 ? 0 : t.numel() / t.size(-1);
}

/// Every row of `y` = bias + residual, of which one may be absent.
void begin_with(at::Tensor& y, const at::Tensor* bias, const at::Tensor* residual) {
  if (bias != nullptr && residual != nullptr)
    at::add_out(y, *residual, *bias);
  else
    y.copy_(bias != nullptr ? *bias : *residual);
}

at::Tensor linear_activated(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            activation act, at::Tensor y) {
  const auto rows = rows_of(x), in = x.size(-1), out = weight.size(0);
  const auto& kernels = choose_row_kernels<float>();
  const auto* from = x.const_data_ptr<float>();
  const auto* column = bias.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  const auto step = std::max<std::int64_t>(grain, block_numbers / out);
  for (std::int64_t at = 0; at < rows; at += step) {
    const auto end = std::min(rows, at + step);
    multiply(from + at * in, end - at, in, weight, 0, to + at * out);
    at::parallel_for(at, end, grain, [&](std::int64_t first, std::int64_t last) {
      for (auto i = first; i < last; ++i) kernels.bend(to + i * out, column, act, static_cast<int>(out));
    });
  }
  return y;
}

at::Tensor by_plain_operators(const at::Tensor& x, const at::Tensor& weight,
                              const std::optional<at::Tensor>& bias,
                              const std::optional<at::Tensor>& residual, std::int64_t act) {
  auto y = at::linear(x, weight, bias);
  if (residual) return y.add_(*residual);
  return act < 0 ? y : activated(y, static_cast<activation>(act));
}

at::Tensor packed_linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                         const std::optional<at::Tensor>& residual, std::int64_t act) {
  TORCH_CHECK(x.dim() >= 1 && weight.dim() == 2 && x.scalar_type() == at::kFloat &&
                  weight.scalar_type() == at::kFloat && weight.is_contiguous(),
              "packed_linear: x ", x.sizes(), " and weight ", weight.sizes(),
              " are not rows and a weight in fp32");
  TORCH_CHECK(act >= -1 && act <= 2 && (act < 0 || !residual), "packed_linear: no activation has number ",
              act, ", or it meets a residual");
  const auto out = weight.size(0);
  if (weight.size(1) == x.size(-1)) return by_plain_operators(x, weight, bias, residual, act);
  TORCH_CHECK(weight.size(1) > x.size(-1) && (!bias || (bias->numel() == out && bias->is_contiguous())),
              "packed_linear: x ", x.sizes(), " and bias do not fit the packed weight ", weight.sizes());
  auto shape = x.sizes().vec();
  shape.back() = out;
  TORCH_CHECK(!residual || residual->sizes() == at::IntArrayRef(shape), "packed_linear: the residual is not ",
              at::IntArrayRef(shape));
  auto y = at::empty(shape, x.options());
  const auto rows = x.contiguous();
  if (act >= 0 && bias && out % 16 == 0)
    return linear_activated(rows, weight, *bias, static_cast<activation>(act), y);
  const bool begun = bias || residual;
  if (begun) begin_with(y, bias ? &*bias : nullptr, residual ? &*residual : nullptr);
  multiply(rows.const_data_ptr<float>(), rows_of(rows), rows.size(-1), weight, begun ? 1 : 0,
           y.mutable_data_ptr<float>());
  return act < 0 ? y : activated(y, static_cast<activation>(act));
}

}  // namespace

bool has_packed_linear() {
#if defined(__x86_64__)
  return at::globalContext().hasMKL() && cblas_sgemm_pack_get_size != nullptr &&
         cblas_sgemm_pack != nullptr && cblas_sgemm_compute != nullptr && __builtin_cpu_is("intel");
#else
  return false;
#endif
}

at::Tensor pack_linear(const at::Tensor& weight) {
  const auto made = pack(weight);
  // By shape, since MKL chooses its code by that.
  static std::mutex guard;
  static std::map<std::pair<std::int64_t, std::int64_t>, bool> right;
  const std::scoped_lock lock(guard);
  const auto [known, first] = right.try_emplace({weight.size(0), weight.size(1)}, false);
  if (first) known->second = check_packed(weight, made);
  return known->second ? made : weight;
}

void register_packed_linear() {
  static const auto library = [] {
    torch::Library made(torch::Library::FRAGMENT, "catwalk", std::nullopt, __FILE__, __LINE__);
    made.def("packed_linear(Tensor x, Tensor weight, Tensor? bias, Tensor? residual, int act) -> Tensor");
    made.impl("packed_linear", c10::DispatchKey::CPU, torch::CppFunction(TORCH_FN(packed_linear)));
    return made;
  }();
}

}  // namespace catwalk::embed
