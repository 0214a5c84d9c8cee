#include "core/thrown.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <utility>

#include "core/memory_advice.hpp"

namespace catwalk {

std::string in_short(const std::exception& thrown) {
  const std::string all = thrown.what();
  constexpr std::string_view mark = "RuntimeError: ";
  const auto last = all.rfind(mark);
  const auto from = last == std::string::npos ? 0 : last + mark.size();
  return all.substr(from, all.find('\n', from) - from);
}

bool ran_out_of_memory(const std::exception& thrown) {
  if (dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr) return true;
  constexpr auto words =
      std::to_array<std::string_view>({"std::bad_alloc", "can't allocate memory", "out of memory",
                                       "Cannot allocate memory", "could not create a memory object",
                                       // What oneDNN says when it gets none for the code that it makes.
                                       "could not create a primitive"});
  const std::string_view said = thrown.what();
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return said.find(w) != std::string_view::npos; });
}

error with_cause(error otherwise, const std::exception& thrown) {
  const bool memory = ran_out_of_memory(thrown);
  if (memory) otherwise.hint = memory_advice;
  if (!otherwise.why.empty()) otherwise.why += ": ";
  otherwise.why += memory ? "memory ran out: " + in_short(thrown) : in_short(thrown);
  return otherwise;
}

}  // namespace catwalk
