#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace catwalk::storage {

/// The shortest decimal that reads back as the same float, as std::to_chars writes it.
std::string shortest(float value);

/// Appends `[0.250000000,1,2]`, as pgvector reads a vector. Each number reads back as the same float.
void append_vector(std::string& out, const std::vector<float>& values);
std::string vector_as_text(const std::vector<float>& values);
/// Empty where `text` is no vector.
std::vector<float> vector_from_text(std::string_view text);

}  // namespace catwalk::storage
