#pragma once
#include <exception>
#include <string>

#include "core/error.hpp"

namespace catwalk {

/// What a library's exception says, in one line: without the C++ stack that torch appends, and of
/// TorchScript's report the reason that stands last ("RuntimeError: …").
std::string in_short(const std::exception& thrown);

/// Whether it says that memory ran out: std::bad_alloc, or the words of torch, oneDNN and SQLite for it.
bool ran_out_of_memory(const std::exception& thrown);

/// `otherwise` with in_short(thrown) as the end of its cause. Where memory ran out it says so, and the hint
/// is what takes less of it.
error with_cause(error otherwise, const std::exception& thrown);

}  // namespace catwalk
