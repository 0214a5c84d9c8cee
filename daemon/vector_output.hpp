#pragma once
#include <memory>
#include <string>

#include "core/embedding.hpp"
#include "core/error.hpp"

namespace catwalk::daemon {

/// Where `catwalk embed` writes: one answer per input, in the order of the inputs.
class vector_output {
 public:
  virtual ~vector_output() = default;
  virtual result<void> write(const std::string& input, const result<embedding>& answer) = 0;
  virtual result<void> finish() = 0;
};

/// `jsonl`: one object a line, `{"input":…,"embedding":[…],"model":…,"fingerprint":…}` or
/// `{"input":…,"error":{"code":…,"message":…}}`, to stdout or `file`. `npy`: a float32 matrix [inputs, dim]
/// in NumPy's format 1.0 (numpy.org/doc/stable/reference/generated/numpy.lib.format.html), to `file`; an
/// input that failed is an error on stderr and a row of NaN.
result<std::unique_ptr<vector_output>> make_vector_output(const std::string& format, const std::string& file);

}  // namespace catwalk::daemon
