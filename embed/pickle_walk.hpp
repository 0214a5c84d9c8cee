#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace catwalk::embed {

/// What the pickles of one archive may still take while torch unpickles them.
struct unpickling_allowance {
  std::uint64_t memory =
      0;  ///< bytes of torch's objects: values, texts, the memo, tensors without their data
  std::uint64_t records = 0;  ///< bytes of tensor data that are read, counted as often as they are
};

/// The bytes of a tensor's data, by the key that a pickle names them with. nullopt: there are none.
using record_size = std::function<std::optional<std::uint64_t>(std::string_view key)>;

/// Goes through a pickle as torch's own unpickler does (protocol 2, of it what
/// torch/csrc/jit/serialization/unpickler.cpp knows), and builds nothing. Torch believes every length, place
/// in the memo and tensor's shape, and recurses into what lies within each other; so each length has to fit
/// in the pickle, each tensor in its data, and everything in the allowance, from which it is taken.
///
/// What is wrong with it, in words; empty: nothing.
std::string walk_pickle(std::string_view pickle, const record_size& size_of, unpickling_allowance& left);

}  // namespace catwalk::embed
