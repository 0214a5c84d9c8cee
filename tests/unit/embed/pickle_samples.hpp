#pragma once
// Pickles by their opcodes, as Python's pickletools names them.
#include <cstdint>
#include <string>

namespace catwalk::embed::samples {

/// Little-endian.
inline std::string number(std::uint64_t value, std::size_t bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}
inline std::string repeated(const std::string& what, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += what;
  return out;
}

inline std::string pickle(const std::string& opcodes) {
  return "\x80\x02" + opcodes + ".";
}
inline std::string text(const std::string& characters) {
  return "X" + number(characters.size(), 4) + characters;
}
inline std::string integer(std::int64_t value) {
  return "\x8a\x08" + number(static_cast<std::uint64_t>(value), 8);
}
inline std::string function(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::string& members) {
  return "(" + members + "t";
}

/// A tensor's data: what the archive has under `key`, as so many elements of `type`.
inline std::string storage(const std::string& key, std::int64_t elements,
                           const std::string& type = "FloatStorage") {
  return tuple(text("storage") + function("torch", type) + text(key) + text("cpu") + integer(elements)) + "Q";
}
/// `sizes` and `strides` are integers, one after the other.
inline std::string tensor(const std::string& data, std::int64_t offset, const std::string& sizes,
                          const std::string& strides) {
  const auto hooks = function("collections", "OrderedDict") + ")R";
  return function("torch._utils", "_rebuild_tensor_v2") +
         tuple(data + integer(offset) + tuple(sizes) + tuple(strides) + "\x89" + hooks) + "R";
}

}  // namespace catwalk::embed::samples
