#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace catwalk::storage {

/// The shortest decimal that reads back as the same float.
std::string shortest(float value);

/// `[0.25,1,2]`: how pgvector writes a vector, each number as the shortest decimal that reads back as the
/// same float.
std::string vector_as_text(const std::vector<float>& values);
/// Empty where `text` is no vector.
std::vector<float> vector_from_text(std::string_view text);

}  // namespace catwalk::storage
