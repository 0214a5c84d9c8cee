#include "core/file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace catwalk {

result<std::string> read_file(const std::filesystem::path& name) {
  errno = 0;
  std::ifstream in(name, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) {
    const int why = errno;
    return error{why == ENOENT ? errc::not_found : errc::io, "cannot read file", name.string(),
                 why != 0 ? std::strerror(why) : "it cannot be read", ""};
  }
  return std::move(text).str();
}

}  // namespace catwalk
