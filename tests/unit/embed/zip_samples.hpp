#pragma once
// Zip archives, honest and not.
#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/embed/pickle_samples.hpp"

namespace catwalk::embed::samples {

inline std::string deflated(const std::string& bytes) {
  std::string out(compressBound(bytes.size()) + 16, '\0');
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// An entry with what the directory says of it.
struct zipped {
  std::string name;
  std::string bytes;       ///< as they are stored
  std::uint64_t size = 0;  ///< unpacked
  std::uint64_t stored = 0;
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::int64_t begin = -1;  ///< of its local header; -1: where it is
  bool wide = false;        ///< its numbers have 64 bits
};

inline zipped stored_as_is(const std::string& name, const std::string& bytes) {
  return {.name = name, .bytes = bytes, .size = bytes.size(), .stored = bytes.size()};
}
inline zipped stored_deflated(const std::string& name, const std::string& bytes) {
  const auto packed = deflated(bytes);
  return {.name = name, .bytes = packed, .size = bytes.size(), .stored = packed.size(), .method = 8};
}

struct zip_directory {
  std::string bytes;
  std::uint64_t begin = 0;
  std::uint64_t entries = 0;
};

/// The entries one after the other, and the directory that describes them.
inline std::string entries_of(const std::vector<zipped>& all, zip_directory& directory) {
  std::string out;
  for (const auto& e : all) {
    const auto begin = e.begin < 0 ? out.size() : static_cast<std::uint64_t>(e.begin);
    const auto narrow = [&](std::uint64_t value) { return number(e.wide ? 0xffffffff : value, 4); };
    const auto extra =
        e.wide ? number(1, 2) + number(24, 2) + number(e.size, 8) + number(e.stored, 8) + number(begin, 8)
               : std::string();
    out += "PK\x03\x04" + number(20, 2) + number(e.flags, 2) + number(e.method, 2) + std::string(16, '\0') +
           number(e.name.size(), 2) + number(0, 2) + e.name + e.bytes;
    directory.bytes += "PK\x01\x02" + number(20, 2) + number(20, 2) + number(e.flags, 2) +
                       number(e.method, 2) + std::string(8, '\0') + narrow(e.stored) + narrow(e.size) +
                       number(e.name.size(), 2) + number(extra.size(), 2) + std::string(10, '\0') +
                       narrow(begin) + e.name + extra;
    ++directory.entries;
  }
  directory.begin = out.size();
  return out;
}

inline std::string end_of(const zip_directory& directory) {
  return std::string("PK\x05\x06") + number(0, 4) + number(directory.entries, 2) +
         number(directory.entries, 2) + number(directory.bytes.size(), 4) + number(directory.begin, 4) +
         number(0, 2);
}
/// With the record of 64 bits, as torch writes it, and nothing in the other one.
inline std::string wide_end_of(const zip_directory& directory) {
  return std::string("PK\x06\x06") + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) +
         number(directory.entries, 8) + number(directory.entries, 8) + number(directory.bytes.size(), 8) +
         number(directory.begin, 8) + "PK\x06\x07" + number(0, 4) +
         number(directory.begin + directory.bytes.size(), 8) + number(1, 4) + "PK\x05\x06" + number(0, 4) +
         repeated("\xff", 12) + number(0, 2);
}

inline std::string zip_of(const std::vector<zipped>& all) {
  zip_directory directory;
  const auto entries = entries_of(all, directory);
  return entries + directory.bytes + end_of(directory);
}

}  // namespace catwalk::embed::samples
